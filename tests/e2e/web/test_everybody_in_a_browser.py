"""Header, inbox, fleet and what recurs, under a person's hands: by mouse, by keyboard alone, and without scripts."""

from dataclasses import dataclass

import pytest
from playwright.async_api import Page, expect
from pointsman.contract import IdPrefix, new_id

from controlplane.access.sessions import start_session
from controlplane.domain.commands import AskQuestion
from controlplane.domain.state import HoldKind, TaskState
from controlplane.store.tables import Agent
from tests.e2e.web.conftest import Visited
from tests.fakes.situations import join

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def task(visited: Visited, number: int) -> TaskState:
    return next(state for state in visited.yard.site.engine.tasks.values() if state.number == number)


async def keys(page: Page, *names: str) -> None:
    for name in names:
        await page.keyboard.press(name)


# --- the emergency stop ---------------------------------------------------------------------------


async def test_everything_is_frozen_from_the_header_and_thawed_from_the_banner(visited: Visited) -> None:
    actor, watcher = await visited.visit(), await visited.visit("/inbox")
    await actor.locator("#freeze-all > summary").click()
    await actor.get_by_label("Why? Everybody reads it.").fill("The bill looks wrong")
    await actor.get_by_role("button", name="Freeze everything").click()
    await expect(watcher.locator("#frozen")).to_contain_text("Everything is frozen by Admin")
    await expect(watcher.locator("#frozen")).to_contain_text("The bill looks wrong")
    await expect(actor.locator("#card-T-7 .status")).to_contain_text("Frozen")
    assert HoldKind.FREEZE in task(visited, 7).holds
    await watcher.locator("#frozen").get_by_role("button", name="Thaw everything").click()
    await expect(actor.locator("#frozen .note")).to_have_count(0)
    await expect(actor.locator("#card-T-7")).to_have_attribute("data-signal", "working")
    assert not task(visited, 7).holds


async def test_everything_is_frozen_and_thawed_by_keyboard_alone(visited: Visited) -> None:
    page = await visited.visit()
    await keys(page, "Shift+F")
    await expect(page.locator("#freeze-reason")).to_be_focused()
    await page.keyboard.type("Look at the bill")
    await keys(page, "Enter")
    await expect(page.locator("#frozen")).to_contain_text("Look at the bill")
    await expect(page.locator("#freeze-all > summary")).to_contain_text("Frozen")
    await keys(page, "Shift+F")
    await expect(page.locator("#thaw-reason")).to_be_focused()
    await keys(page, "Enter")
    await expect(page.locator("#frozen .note")).to_have_count(0)
    assert not task(visited, 7).holds


async def test_without_scripts_freezing_asks_for_its_reason_and_thawing_is_a_button(visited: Visited) -> None:
    page = await visited.visit(has_scripts=False)
    await page.locator("#freeze-all > summary").click()
    await page.get_by_label("Why? Everybody reads it.").fill("No scripts needed")
    await page.get_by_role("button", name="Freeze everything").click()
    await expect(page.locator("#frozen")).to_contain_text("No scripts needed")
    await page.locator("#frozen").get_by_role("button", name="Thaw everything").click()
    await expect(page.locator("#frozen .note")).to_have_count(0)


# --- mention, inbox, answer -----------------------------------------------------------------------


@dataclass
class Desk:
    """A page of somebody else than the first admin."""

    visited: Visited

    async def sit(self, handle: str, address: str) -> Page:
        site = self.visited.yard.site
        people = await join(self.visited.yard)
        async with site.control.transaction() as session:
            cookie = await start_session(session, people[handle].id, site.clock.now_ms())
        context = await self.visited.browser.new_context(viewport={"width": 1600, "height": 900})
        await context.add_cookies([{"name": "pointsman_session", "value": cookie, "url": self.visited.url}])
        page = await context.new_page()
        await page.goto(self.visited.url + address)
        await page.locator("#live[data-live=on]").wait_for()
        return page


async def test_a_mention_is_in_the_inbox_at_once_and_answered_there(visited: Visited) -> None:
    anna = await Desk(visited).sit("anna", "/inbox")
    await expect(anna.locator("#inbox-list")).to_contain_text("Nothing needs you")
    admin = await visited.visit("/tasks/T-7")
    await admin.locator("#comment").press_sequentially("Which list, @ann")
    await admin.locator("#names [role=option]").filter(has_text="@anna").click()
    await admin.get_by_role("button", name="Comment").click()
    item = anna.locator(".item").filter(has_text="T-7")
    await expect(item).to_contain_text("Mentioned you")
    await expect(anna).to_have_title("(1) Inbox · Pointsman")
    await item.locator("h3 a").click()
    await anna.locator("#mention-reply").press_sequentially("The ministry's, @adm")
    await anna.locator("#names [role=option]").filter(has_text="@admin").click()
    await expect(anna.locator("#mention-reply-preview")).to_contain_text("Will notify Admin")
    await anna.get_by_role("button", name="Reply").click()
    await expect(anna.locator("#item")).to_contain_text("Resolved: you answered it")
    await expect(anna).to_have_title("Inbox · Pointsman")
    await expect(admin.locator("#activity")).to_contain_text("The ministry's, @admin")


async def test_a_mention_is_found_and_answered_by_keyboard_alone(visited: Visited) -> None:
    anna = await Desk(visited).sit("anna", "/")
    admin = await visited.visit("/tasks/T-7")
    await admin.locator("#comment").focus()
    await admin.keyboard.type("Please look, @ann")
    await expect(admin.locator("#names [role=option]")).to_have_count(1)
    await keys(admin, "Enter", "Control+Enter")
    await expect(anna.locator("#bell")).to_contain_text("1")
    await keys(anna, "g", "i")
    await anna.wait_for_url("**/inbox")
    await keys(anna, "j")
    await expect(anna.locator(".item h3 a").first).to_be_focused()
    await keys(anna, "Enter")
    await anna.wait_for_url("**/inbox?item=*")
    await anna.locator("#live[data-live=on]").wait_for()
    for _ in range(40):
        await keys(anna, "Tab")
        if await anna.locator("#mention-reply:focus").count():
            break
    await anna.keyboard.type("I have, @adm")
    await expect(anna.locator("#names [role=option]")).to_have_count(1)
    await keys(anna, "Enter", "Control+Enter")
    await expect(anna.locator("#item")).to_contain_text("Resolved: you answered it")
    await expect(admin.locator("#activity")).to_contain_text("I have, @admin")


# --- an approval ----------------------------------------------------------------------------------


async def ask_for_approval(visited: Visited) -> TaskState:
    yard = visited.yard
    await yard.create("Buy the portraits", agent="publishing")
    claim = await yard.claim("publishing")
    question = AskQuestion(
        claim.run.run_id, claim.run.epoch, new_id(IdPrefix.QUESTION), "May I spend $45?", answer_kind="approval"
    )
    return await yard.do(yard.caller(claim).actor, claim.state, question)


def answered(visited: Visited, asked: TaskState) -> object:
    question = visited.yard.site.engine.tasks[asked.task_id].question
    return question.answer if question else None


async def test_an_approval_is_given_in_the_inbox_and_resolves_its_item(visited: Visited) -> None:
    asked = await ask_for_approval(visited)
    page = await visited.visit("/inbox?kind=approval")
    await expect(page.locator("#item")).to_contain_text("May I spend $45?")
    await page.locator("#item").get_by_role("button", name="Approve").click()
    await expect(page.locator(f"#items .item:not(.gone):has-text('T-{asked.number}')")).to_have_count(0)
    assert answered(visited, asked) is True


async def test_an_approval_is_given_by_keyboard_alone(visited: Visited) -> None:
    asked = await ask_for_approval(visited)
    page = await visited.visit()
    await expect(page.locator(f"#card-T-{asked.number} .status")).to_contain_text("Approve")
    await keys(page, "g", "i")
    await page.wait_for_url("**/inbox")
    await page.locator("#live[data-live=on]").wait_for()
    await expect(page.locator(".item[aria-current]")).to_contain_text("May I spend $45?")
    await keys(page, "Control+Enter")
    await expect(page.locator("#items .gone")).to_contain_text([f"T-{asked.number}"])
    assert answered(visited, asked) is True


# --- the fleet ------------------------------------------------------------------------------------


async def find(visited: Visited, name: str) -> Agent:
    async with visited.yard.site.control.reading() as session:
        found = await session.get(Agent, visited.yard.agent_ids[name])
    assert found is not None
    return found


async def test_an_agent_is_paused_and_resumed_from_the_fleet(visited: Visited) -> None:
    actor, watcher = await visited.visit("/agents"), await visited.visit("/agents/qa")
    row = actor.locator("tr").filter(has_text="QA")
    await row.get_by_label("Actions for QA").click()
    await actor.locator("#dialog").get_by_role("link", name="Pause").click()
    await actor.locator("#verb-reason").fill("Moves to another machine")
    await actor.get_by_role("button", name="Pause QA").click()
    await expect(row.locator(".status")).to_contain_text("Paused")
    await expect(row).to_contain_text("Moves to another machine")
    await expect(watcher.locator("#agent-head")).to_contain_text("Moves to another machine")
    await watcher.get_by_role("button", name="Resume").click()
    await expect(row.locator(".status")).not_to_contain_text("Paused")
    assert not (await find(visited, "qa")).is_paused


async def test_an_agent_is_paused_by_keyboard_alone(visited: Visited) -> None:
    page = await visited.visit()
    await keys(page, "g", "f")
    await page.wait_for_url("**/agents")
    await page.locator("#live[data-live=on]").wait_for()
    await page.get_by_label("Actions for Research").focus()
    await keys(page, "Enter")
    await page.locator("#dialog[open]").wait_for()
    await page.locator("#dialog").get_by_role("link", name="Pause").focus()
    await keys(page, "Enter")
    await expect(page.locator("#verb-reason")).to_be_focused()
    await page.keyboard.type("Too many calls")
    await keys(page, "Control+Enter")
    await expect(page.locator("#dialog")).not_to_be_visible()
    await expect(page.locator("tr").filter(has_text="Research").locator(".status")).to_contain_text("Paused")
    assert (await find(visited, "research")).pause_reason == "Too many calls"


async def test_without_scripts_an_agent_is_made_edited_and_given_a_key(visited: Visited) -> None:
    page = await visited.visit("/agents", has_scripts=False)
    await page.get_by_role("link", name="New agent").click()
    await page.get_by_label("Name").fill("proof reader")
    await page.get_by_label("Editor").check()
    await page.get_by_role("button", name="Make it").click()
    await expect(page.get_by_role("heading", name="Proof reader")).to_be_visible()
    await expect(page.locator("#agent-facts")).to_contain_text("editing, review")
    await page.get_by_role("link", name="Capabilities and concurrency").click()
    await page.get_by_label("Tasks at once").fill("3")
    await page.get_by_role("button", name="Save").click()
    await expect(page.locator("#agent-facts")).to_contain_text("0 of 3")
    await page.get_by_role("button", name="New key").click()
    await expect(page.locator("#made-key")).to_contain_text("POINTSMAN_KEY=pm_agent_")


# --- the board: why, and what stands still ------------------------------------------------------------


async def test_a_waiting_card_says_why_by_a_key_and_gives_the_focus_back(visited: Visited) -> None:
    page = await visited.visit()
    await keys(page, "j", "w")
    await expect(page.locator("#peek")).to_contain_text("No agent can do all of what it needs: draft and terms")
    await keys(page, "Escape")
    await expect(page.locator("#peek")).not_to_be_visible()
    await expect(page.locator("#card-T-8 h3 a")).to_be_focused()


async def test_without_scripts_why_leads_to_the_task_s_page(visited: Visited) -> None:
    page = await visited.visit(has_scripts=False)
    await page.get_by_label("Why isn’t T-8 running?").click()
    await expect(page.locator("#why")).to_contain_text("No agent can do all of what it needs")


async def test_the_strip_names_the_task_that_holds_up_most_and_leads_to_what_moves_it(visited: Visited) -> None:
    page = await visited.visit()
    await expect(page.locator("#standstill")).to_contain_text("T-3 Draft section 3: Prices and subsidies stands still")
    await expect(page.locator("#standstill")).to_contain_text("2 tasks, 1 agent")
    await page.locator("#standstill").get_by_role("link", name="Reassign").click()
    await expect(page.locator("#dialog")).to_contain_text("Reassign T-3")


# --- what recurs --------------------------------------------------------------------------------------


async def test_a_recurring_task_shows_its_next_times_while_it_is_typed_and_what_became_of_each(
    visited: Visited,
) -> None:
    page = await visited.visit("/recurring/new")
    await page.get_by_label("Title").fill("Weekly report")
    await page.get_by_label("When").fill("0 9 * *")
    await expect(page.locator("#next-times")).to_contain_text("no cron expression")
    await page.get_by_label("When").fill("0 9 * * 1")
    await page.get_by_label("Time zone").fill("Europe/Berlin")
    await expect(page.locator("#next-times li")).to_have_count(5)
    await expect(page.locator("#next-times li").first).to_contain_text("2026-11-16 08:00 UTC")
    await page.get_by_role("button", name="Make it").click()
    await expect(page.locator("#recurring-head h1")).to_have_text("Weekly report")
    await page.locator("#live[data-live=on]").wait_for()
    await page.get_by_role("button", name="Run now").click()
    await expect(page.locator("#ledger tbody tr").first).to_contain_text("Ran")
    visited.yard.later(1)
    await page.get_by_role("button", name="Run now").click()
    await expect(page.locator("#ledger tbody tr").first).to_contain_text("is still open")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.locator("#recurring-head")).to_contain_text("Paused")
