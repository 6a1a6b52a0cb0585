"""The task page under a person's hands: each journey once by mouse, and once by keyboard alone."""

import pytest
from playwright.async_api import Locator, Page, expect
from sqlalchemy import select

from controlplane.domain.state import HoldKind, RunState, TaskStatus
from controlplane.store.tables import Notice
from controlplane.store.upsert import table_of
from tests.e2e.web.conftest import Visited
from tests.fakes import situations
from tests.fakes.project import DRAFT

pytestmark = [pytest.mark.browser, pytest.mark.slow]

MANY_TABS = 120  # more than any page of ours has stops


async def reach(page: Page, goal: Locator) -> None:
    """Goes there with the Tab key, as who has no mouse does."""
    for _ in range(MANY_TABS):
        if await goal.evaluate("element => element === document.activeElement"):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab never reached {goal}")


async def pick_in_menu(page: Page, name: str) -> None:
    """Opens the menu of verbs with its key, and takes one with arrows and Enter."""
    await page.keyboard.press(".")
    menu = page.locator("#operate")
    await expect(menu).to_have_attribute("open", "")
    wanted = menu.locator(".pop").get_by_text(name, exact=True)
    for _ in range(30):
        if await wanted.evaluate("element => element === document.activeElement"):
            break
        await page.keyboard.press("ArrowDown")
    await expect(wanted).to_be_focused()
    await page.keyboard.press("Enter")


def task(visited: Visited, number: int):
    return situations.task(visited.yard, number)


async def submit_next(visited: Visited) -> None:
    """Drafting takes T-2 again and hands in another version."""
    claim = await visited.yard.claim("drafting")
    assert claim.state.number == 2
    await visited.yard.submit(claim, DRAFT.replace("a neighbour who has one", "a neighbour or colleague who has one"))


# --- a review with changes requested, and a diff ---------------------------------------------------


async def test_by_mouse_a_diff_is_read_changes_are_requested_and_the_next_version_is_approved(visited: Visited) -> None:
    page = await visited.visit("/tasks/T-2")
    await page.get_by_role("navigation", name="Deliverable views").get_by_role("link", name="Changes").click()
    await expect(page.locator(".diff ins").first).to_contain_text("18")
    await page.get_by_role("link", name="Side by side").click()
    await expect(page.locator(".diff.side tr.insert")).to_contain_text("Finland")
    await page.locator("#note").fill("Say that colleagues count, too.")
    await page.get_by_role("button", name="Request changes").click()
    await expect(page.locator("#activity")).to_contain_text("Say that colleagues count, too.")
    await submit_next(visited)
    await expect(page.get_by_role("button", name="Approve v3")).to_be_visible()
    await page.goto(f"{visited.url}/tasks/T-2?version=3&view=diff&against=1")
    await expect(page.locator(".diff")).to_contain_text("or colleague")
    await page.get_by_role("button", name="Approve v3").click()
    await expect(page.locator("#task-head")).to_contain_text("Done")
    assert task(visited, 2).status is TaskStatus.DONE


async def test_by_keyboard_alone_the_same_review(visited: Visited) -> None:
    page = await visited.visit("/tasks/T-2")
    await reach(page, page.get_by_role("navigation", name="Deliverable views").get_by_role("link", name="Changes"))
    await page.keyboard.press("Enter")
    await expect(page.locator(".diff ins").first).to_contain_text("18")
    await page.locator("#live[data-live=on]").wait_for()
    await page.keyboard.press("r")
    await expect(page.locator("#note")).to_be_focused()
    await page.keyboard.type("Say that colleagues count, too.")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#activity")).to_contain_text("Say that colleagues count, too.")
    assert task(visited, 2).changes_requested
    await submit_next(visited)
    await expect(page.get_by_role("button", name="Approve v3")).to_be_visible()
    await page.keyboard.press("a")
    await expect(page.locator("#task-head")).to_contain_text("Done")
    assert task(visited, 2).status is TaskStatus.DONE


async def test_a_question_by_one_key_is_no_verdict(visited: Visited) -> None:
    page = await visited.visit("/tasks/T-2")
    await page.keyboard.press("q")
    await page.keyboard.type("Which year is that?")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#thread")).to_contain_text("Which year is that?")
    assert task(visited, 2).status is TaskStatus.IN_REVIEW
    await visited.yard.comment(task(visited, 2), "2025.", visited.yard.agent_actor("drafting"))
    await expect(page.locator("#thread")).to_contain_text("2025.")


# --- a stuck task is given to another agent ---------------------------------------------------------


async def test_by_mouse_a_stuck_task_is_reassigned_and_the_hand_off_is_seen(visited: Visited) -> None:
    page = await visited.visit("/tasks/T-3")
    await page.locator("#reassign").click()
    dialog = page.locator("#dialog")
    await dialog.get_by_role("radio", name="QA").check()
    await dialog.get_by_label("Why?").fill("Leave Finland open.")
    await dialog.get_by_role("button", name="Reassign").click()
    await expect(dialog).not_to_be_visible()
    await expect(page.locator("#handoff")).to_contain_text("what the next agent gets")
    await expect(page.locator("#handoff")).to_contain_text("Finland heat pump subsidy 2026")
    await expect(page.locator("#activity")).to_contain_text("Leave Finland open.")
    assert task(visited, 3).runs[-1].state is RunState.SUPERSEDED
    await visited.yard.claim("qa")
    await expect(page.locator("#handoff")).to_contain_text("what run 2 was given")


async def test_by_keyboard_alone_the_same_reassignment(visited: Visited) -> None:
    page = await visited.visit("/tasks/T-3")
    await pick_in_menu(page, "Reassign")
    await expect(page.locator("#dialog")).to_be_visible()
    qa = page.locator("#dialog").get_by_role("radio", name="QA")
    for _ in range(10):
        if await qa.is_checked():
            break
        await page.keyboard.press("ArrowDown")
    await expect(qa).to_be_checked()
    await page.keyboard.press("Tab")
    await page.keyboard.type("Leave Finland open.")
    await page.keyboard.press("Enter")
    await expect(page.locator("#dialog")).not_to_be_visible()
    await expect(page.locator("#handoff")).to_contain_text("what the next agent gets")
    assert task(visited, 3).agent_id == visited.yard.agent_ids["qa"]


# --- freeze and thaw --------------------------------------------------------------------------------


async def test_by_mouse_a_task_is_frozen_and_thawed(visited: Visited) -> None:
    page, other = await visited.visit("/tasks/T-7"), await visited.visit("/tasks/T-7")
    await page.get_by_role("link", name="Freeze").first.click()
    await page.locator("#dialog").get_by_label("Why?").fill("It mails customers.")
    await page.locator("#dialog").get_by_role("button", name="Freeze").click()
    await expect(page.locator("#banners")).to_contain_text("It mails customers.")
    await expect(other.locator("#banners")).to_contain_text("It mails customers.")
    assert HoldKind.FREEZE in task(visited, 7).holds
    await other.get_by_role("button", name="Thaw T-7").click()
    await expect(page.locator("#banners")).not_to_contain_text("Frozen")
    assert not task(visited, 7).holds


async def test_by_keyboard_alone_the_same_freeze(visited: Visited) -> None:
    page = await visited.visit("/tasks/T-7")
    await pick_in_menu(page, "Freeze")
    await expect(page.locator("#dialog").get_by_label("Why?")).to_be_focused()
    await page.keyboard.type("It mails customers.")
    await page.keyboard.press("Enter")
    await expect(page.locator("#banners")).to_contain_text("It mails customers.")
    await pick_in_menu(page, "Thaw")
    await expect(page.locator("#banners")).not_to_contain_text("Frozen")
    assert not task(visited, 7).holds


# --- a mention --------------------------------------------------------------------------------------


async def notified(visited: Visited) -> list[str]:
    async with visited.yard.site.control.reading() as session:
        found = await session.execute(select(table_of(Notice).c.user_id).where(table_of(Notice).c.kind == "mention"))
    return list(found.scalars())


async def test_by_mouse_somebody_is_named_and_the_box_says_before_who_will_hear(visited: Visited) -> None:
    actors = await situations.join(visited.yard)
    page = await visited.visit("/tasks/T-7")
    await page.locator("#comment").click()
    await page.keyboard.type("Please look, @ed")
    await page.locator("#names").get_by_text("@editors").click()
    await expect(page.locator("#comment")).to_have_value("Please look, @editors ")
    await expect(page.locator("#comment-preview")).to_have_text("Will notify Anna Berg, Ben Okoro (team Editors).")
    await page.get_by_role("button", name="Comment", exact=True).click()
    await expect(page.locator("#activity")).to_contain_text("Please look, @editors")
    await expect(page.locator("#comment-preview")).to_be_empty()
    assert {actors["anna"].id, actors["ben"].id} <= set(await notified(visited))


async def test_by_keyboard_alone_the_same_mention(visited: Visited) -> None:
    actors = await situations.join(visited.yard)
    page = await visited.visit("/tasks/T-7")
    await reach(page, page.locator("#comment"))
    await page.keyboard.type("See this, @a")
    await expect(page.locator("#names [aria-selected=true]")).to_contain_text("@admin")
    await page.keyboard.press("ArrowDown")
    await expect(page.locator("#names [aria-selected=true]")).to_contain_text("@anna")
    await page.keyboard.press("Enter")
    await expect(page.locator("#comment")).to_have_value("See this, @anna ")
    await page.keyboard.type("and @nobody")
    await expect(page.locator("#comment-preview")).to_contain_text("Nobody here is called @nobody")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#activity")).to_contain_text("See this, @anna")
    assert actors["anna"].id in await notified(visited)


# --- forms in dialogs, and without scripts ----------------------------------------------------------


async def test_a_circle_of_waiting_is_refused_in_the_dialog_with_its_path_and_can_be_corrected(
    visited: Visited,
) -> None:
    page = await visited.visit("/tasks/T-3")
    await page.get_by_role("link", name="Add a task to wait for").click()
    field = page.locator("#dialog").get_by_label("Tasks to wait for")
    await field.press_sequentially("T-5")
    await page.locator("#names").get_by_text("T-5").click()
    await page.locator("#dialog").get_by_role("button", name="Wait for them").click()
    await expect(page.locator("#verb-error")).to_contain_text("T-3 cannot wait for T-5: T-5 waits for T-4")
    await field.fill("T-7")
    await page.locator("#dialog").get_by_role("button", name="Wait for them").click()
    await expect(page.locator("#dialog")).not_to_be_visible()
    await expect(page.locator("#blockers")).to_contain_text("T-7")


async def test_without_scripts_every_verb_is_a_page_with_a_form(visited: Visited) -> None:
    page = await visited.visit("/tasks/T-7", has_scripts=False)
    await page.locator("#operate summary").click()
    await page.locator("#operate").get_by_role("link", name="Pause").click()
    await page.locator("#verb").get_by_label("Why?").fill("lunch")
    await page.locator("#verb").get_by_role("button", name="Pause").click()
    await expect(page.locator("#banners")).to_contain_text("lunch")
    await page.get_by_role("button", name="Resume: lift").click()
    await expect(page.locator("#banners")).not_to_contain_text("lunch")
    await page.get_by_role("link", name="Change reviewers").click()
    await page.get_by_role("textbox", name="Reviewers").fill("@admin")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#reviewers")).to_contain_text("One reviewer approves")


@pytest.mark.parametrize("kind", ["approval", "choice", "form"])
async def test_a_typed_question_is_answered_by_keyboard(visited: Visited, kind: str) -> None:
    state = await situations.asked(visited.yard, kind)
    page = await visited.visit(f"/tasks/T-{state.number}")
    if kind == "approval":
        await reach(page, page.get_by_role("button", name="Deny"))
        await page.keyboard.press("Enter")
    elif kind == "choice":
        await reach(page, page.get_by_role("radio", name="Regions"))
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("Control+Enter")
    else:
        await reach(page, page.get_by_label("Region"))
        await page.keyboard.type("DACH")
        await page.keyboard.press("Tab")
        await page.keyboard.type("2026")
        await page.keyboard.press("Control+Enter")
    await expect(page.locator("#question form")).to_have_count(0)
    question = task(visited, state.number).question
    assert question is not None
    expected = {"approval": False, "choice": "Whole countries", "form": {"region": "DACH", "year": 2026}}[kind]
    answer = question.answer if kind != "form" else {name: question.answer[name] for name in ("region", "year")}
    assert answer == expected


async def test_no_state_of_the_task_page_breaks_its_own_content_policy(visited: Visited) -> None:
    yard = visited.yard
    await situations.review_by_several(yard)
    await situations.late_work(yard)
    await situations.held(yard)
    image = await situations.handed_in(yard, "image")
    page = await visited.visit()
    problems: list[str] = []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    for address in ("T-2", "T-2?view=diff&layout=side", "T-3", "T-7", f"T-{image.number}", "T-7/operate/freeze"):
        await page.goto(f"{visited.url}/tasks/{address}")
        await page.locator("#live[data-live=on]").wait_for()
    assert problems == []


async def test_reassign_on_a_card_leads_to_the_open_form(visited: Visited) -> None:
    page = await visited.visit()
    await page.locator("#card-T-3").get_by_role("link", name="Reassign").click()
    await expect(page.locator("#dialog")).to_be_visible()
    await expect(page.locator("#dialog").get_by_role("radio", name="Whoever is able")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(page.locator("#dialog")).not_to_be_visible()
