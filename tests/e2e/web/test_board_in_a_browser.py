"""The board under a person's hands: live, dragged, by keyboard, and without scripts."""

import pytest
from playwright.async_api import Locator, Page, expect

from controlplane.domain.commands import EditTask
from controlplane.domain.state import TaskStatus
from tests.e2e.web.conftest import Visited

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def task(visited: Visited, number: int):
    return next(state for state in visited.yard.site.engine.tasks.values() if state.number == number)


async def order(page: Page, column: str) -> list[str]:
    return await page.locator(f"#cards-{column} .card .id").all_inner_texts()


async def test_a_change_in_one_browser_is_on_the_other_s_screen_without_a_reload(visited: Visited) -> None:
    """How soon is measured by `bench/visible.py`, on a machine that does nothing else."""
    actor, watcher = await visited.visit(), await visited.visit()
    await watcher.evaluate("window.isTheSamePage = true")
    await actor.locator("#card-T-2 .acts a").click()
    await actor.locator("#dialog[open]").wait_for()
    await actor.get_by_role("button", name="Approve v2").click()
    await expect(watcher.locator("#cards-done #card-T-2")).to_be_visible()
    await expect(actor.locator("#cards-done #card-T-2")).to_be_visible()
    assert await watcher.evaluate("window.isTheSamePage")


OVER = """document.addEventListener('dragover', (event) => {
    document.documentElement.dataset.over = event.target.closest('.column')?.id ?? '';
})"""


async def drag(page: Page, card: Locator, column: str) -> None:
    """As a hand does it, which lets go only when it sees the card over its goal: a browser drags in its own time."""
    await page.evaluate(OVER)
    await card.hover()
    box = await page.locator(f"#cards-{column}").bounding_box()
    assert box is not None
    await page.mouse.down()
    x, y = box["x"] + box["width"] / 2, box["y"] + 200
    await page.mouse.move(x, y, steps=12)
    over = page.locator(f"html[data-over=column-{column}]")
    for step in range(100):
        await page.mouse.move(x + step % 5, y)
        if await over.count():
            break
    await page.mouse.up()


async def test_a_card_can_be_dragged_where_the_table_allows_it_and_nowhere_else(visited: Visited) -> None:
    page = await visited.visit()
    card = page.locator("#card-T-8")
    await card.hover()
    await page.mouse.down()
    await page.mouse.move(700, 400, steps=5)  # a drag begins with movement
    await page.locator("#column-done").hover()
    await expect(page.locator("#column-done")).to_have_attribute("data-drop", "no")
    await expect(page.locator("#column-done .refusal")).to_contain_text("Only a deliverable that you approve is done")
    await expect(page.locator("#column-backlog")).to_have_attribute("data-drop", "yes")
    await page.mouse.up()
    await expect(page.locator("[data-drop]")).to_have_count(0)
    assert task(visited, 8).status is TaskStatus.READY
    await page.locator("#column-backlog summary").click()
    for goal in ("backlog", "ready", "backlog"):
        await drag(page, card, goal)
        await expect(page.locator(f"#cards-{goal} #card-T-8")).to_be_visible()
        assert task(visited, 8).status == goal


async def test_everything_that_dragging_does_can_be_done_by_keyboard(visited: Visited) -> None:
    page = await visited.visit()
    await page.keyboard.press("j")
    await expect(page.locator("#card-T-8 h3 a")).to_be_focused()
    await page.keyboard.press("l")
    await expect(page.locator("#card-T-3 h3 a")).to_be_focused()
    await page.keyboard.press("h")
    await page.keyboard.press("m")
    await page.locator("#dialog[open]").wait_for()
    await page.get_by_role("button", name="Move to Backlog").focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#cards-backlog #card-T-8")).to_have_count(1)
    await expect(page.locator("#dialog")).not_to_be_visible()
    await page.keyboard.press("c")
    await page.locator("#title").fill("Written by keyboard")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#cards-ready")).to_contain_text("Written by keyboard")
    await expect(page.locator("#dialog")).not_to_be_visible()
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()


async def test_ctrl_enter_approves_and_enter_alone_does_not(visited: Visited) -> None:
    page = await visited.visit("/tasks/T-2")
    await page.locator("#note").fill("Shorter, please")
    await page.keyboard.press("Enter")
    assert await page.locator("#note").input_value() == "Shorter, please\n"
    assert task(visited, 2).status is TaskStatus.IN_REVIEW
    await page.locator("#note").fill("")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("form.review")).to_have_count(0)
    assert task(visited, 2).status is TaskStatus.DONE
    await expect(page.locator("#activity")).to_contain_text("approved v2")
    await expect(page.locator("#activity")).not_to_contain_text("Shorter, please")


async def test_without_scripts_every_step_of_a_review_works_by_forms(visited: Visited) -> None:
    page = await visited.visit("/tasks/new", has_scripts=False)
    await page.get_by_label("Title").fill("By form alone")
    await page.get_by_role("button", name="Create").click()
    await expect(page.locator("#cards-ready")).to_contain_text("By form alone")
    await page.locator("#card-T-2 h3 a").click()
    await page.get_by_label("Note to the agent").fill("Say how many installers.")
    await page.get_by_role("button", name="Request changes").click()
    await expect(page.locator("#activity")).to_contain_text("Say how many installers.")
    assert task(visited, 2).changes_requested
    await page.get_by_label("Comment").fill("Thank you, @admin.")
    await page.get_by_role("button", name="Comment").click()
    await expect(page.locator("#activity")).to_contain_text("Thank you")
    await page.locator("#user summary").click()
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


async def test_a_card_is_not_replaced_under_the_reader_s_hands_but_right_after(visited: Visited) -> None:
    page = await visited.visit()
    await page.locator("#card-T-8 h3 a").focus()
    actor = visited.yard.site.person.actor
    await visited.yard.do(actor, task(visited, 8), EditTask(title="Glossary, renamed"))
    await visited.yard.create("A sign that the stream went on")
    await expect(page.locator("#cards-ready")).to_contain_text("A sign that the stream went on")
    await expect(page.locator("#card-T-8 h3")).to_have_text("Glossary of terms")
    await page.locator("#q").focus()
    await expect(page.locator("#card-T-8 h3")).to_have_text("Glossary, renamed")


async def test_words_being_typed_survive_what_happens_meanwhile(visited: Visited) -> None:
    page = await visited.visit("/tasks/T-2")
    await page.locator("#note").fill("Please say")
    await visited.yard.comment(task(visited, 2), "Something else happens.")
    await expect(page.locator("#activity")).to_contain_text("Something else happens.")
    await expect(page.locator("#note")).to_have_value("Please say")


WITHOUT_AGES = """() => {
    const copy = document.getElementById('columns').cloneNode(true);
    copy.querySelectorAll('time').forEach((time) => time.remove());
    return copy.textContent.replace(/\\s+/g, ' ');
}"""


async def test_after_many_changes_the_open_page_is_the_page_that_a_reload_shows(visited: Visited) -> None:
    page = await visited.visit()
    yard = visited.yard
    await yard.create("One more", agent="publishing", priority=1)
    claim = await yard.claim("publishing")
    await yard.spend(claim, 12_000_000, "writing")
    await yard.submit(claim)
    await yard.review(task(visited, 2), 2)
    await yard.create("The last", to_backlog=True)
    await expect(page.locator("#cards-backlog")).to_contain_text("The last")
    await expect(page.locator("#cards-done #card-T-2")).to_be_visible()
    await expect(page.locator("#cards-in_review")).to_contain_text("One more")
    columns = ("backlog", "ready", "in_progress", "in_review", "done")
    as_patched = {column: await order(page, column) for column in columns}
    text = await page.evaluate(WITHOUT_AGES)
    await page.reload()
    assert as_patched == {column: await order(page, column) for column in columns}
    assert text == await page.evaluate(WITHOUT_AGES)


async def test_no_page_breaks_its_own_content_policy(visited: Visited) -> None:
    page = await visited.visit()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for address in ("/", "/tasks/T-2", "/tasks/T-3", "/inbox", "/tasks/new", "/?signal=attention"):
        await page.goto(visited.url + address)
        await page.locator("#live[data-live=on]").wait_for()
    assert problems == []


async def test_the_theme_is_kept_with_scripts_and_without(visited: Visited) -> None:
    page = await visited.visit()
    await page.locator("#user summary").click()
    await page.get_by_role("button", name="Switch theme").click()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(page.locator("html")).to_have_attribute("data-theme", "dark")
