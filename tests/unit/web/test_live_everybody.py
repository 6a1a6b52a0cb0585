"""*Old page + live fragments == fresh page*, for what concerns everybody: fleet, agents, what recurs, alarms."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import pytest
from pointsman.contract import IdPrefix, new_id

from controlplane.domain.commands import AskQuestion, HoldTask
from controlplane.domain.state import HoldKind
from controlplane.queries.board import BoardFilter
from controlplane.store.outbox import announce
from controlplane.store.tables import Agent, Incident
from tests.fakes.document import truth
from tests.fakes.project import Yard
from tests.unit.web.test_live_pages import OpenPage, fetch
from web.live.board import BoardSource
from web.live.channel import Source
from web.live.fleet import AgentSource, FleetSource
from web.live.inbox import InboxSource
from web.live.recurring import RecurringSource
from web.live.shell import ShellSource

Act = Callable[[Yard], Awaitable[object]]
RECURRING = "cmd_recurring_1"


def task(yard: Yard, number: int):
    return next(state for state in yard.site.engine.tasks.values() if state.number == number)


async def freeze(yard: Yard) -> None:
    person = yard.site.person
    await yard.site.commands.freeze(person.actor, "cmd_freeze_1", "workspace", "", "the bill", person.workspace_id)


async def freeze_and_thaw(yard: Yard) -> None:
    await freeze(yard)
    person = yard.site.person
    await yard.site.commands.thaw(person.actor, "cmd_thaw_1", "workspace", "", "", person.workspace_id)


async def freeze_one(yard: Yard) -> None:
    person = yard.site.person
    await yard.site.commands.freeze(person.actor, "cmd_freeze_2", "agent", "research", "look", person.workspace_id)


async def pause(yard: Yard) -> None:
    person = yard.site.person
    await yard.site.commands.pause_agent(person.actor, "research", "moves", person.workspace_id)


async def have_an_incident(yard: Yard) -> None:
    now_ms, workspace_id = yard.site.clock.now_ms(), yard.site.person.workspace_id
    async with yard.site.control.transaction() as session:
        session.add(
            Incident(
                incident_id="inc_1",
                workspace_id=workspace_id,
                kind="agents_lost",
                text="3 agents fell silent.",
                subject_ids=["r_1", "r_2", "r_3"],
                started_at_ms=now_ms,
                updated_at_ms=now_ms,
            )
        )
        announce(session, workspace_id, "incident", "inc_1", now_ms)


async def ask_for_approval(yard: Yard) -> None:
    await yard.create("Buy the portraits", agent="publishing")
    claim = await yard.claim("publishing")
    question_id = new_id(IdPrefix.QUESTION)
    asked = AskQuestion(claim.run.run_id, claim.run.epoch, question_id, "May I spend $45?", answer_kind="approval")
    await yard.do(yard.caller(claim).actor, claim.state, asked)


async def split(yard: Yard) -> None:
    await yard.create("A part", parent="T-7")
    await yard.create("Another part", parent="T-7")


async def call_an_agent(yard: Yard) -> None:
    await yard.comment(task(yard, 7), "Which list, @research?")


async def recur(yard: Yard) -> None:
    await yard.site.commands.make_recurring(
        yard.site.person.actor, "cmd_recurring_2", yard.site.person.workspace_id, "Daily", "0 7 * * *"
    )


async def come_due(yard: Yard) -> None:
    made = await make(yard)
    await yard.site.commands.run_recurring("cmd_run_1", yard.site.person.workspace_id, made)


async def make(yard: Yard) -> str:
    """The recurring task that every page of this module begins with; the same each time it is asked for."""
    made = await yard.site.commands.make_recurring(
        yard.site.person.actor, RECURRING, yard.site.person.workspace_id, "Weekly", "0 9 * * 1"
    )
    return made.recurring_id


ACTS: dict[str, Act] = {
    "freeze": freeze,
    "freeze_and_thaw": freeze_and_thaw,
    "freeze_one_agent": freeze_one,
    "pause_an_agent": pause,
    "hold": lambda yard: yard.do(yard.site.person.actor, task(yard, 7), HoldTask(HoldKind.OPERATOR, "lunch")),
    "incident": have_an_incident,
    "approval": ask_for_approval,
    "sub_tasks": split,
    "mention_of_an_agent": call_an_agent,
    "recur": recur,
    "come_due": come_due,
}


async def pages(yard: Yard) -> dict[str, Source]:
    """Each page by its address, with what it follows beside the frame."""
    station, person = yard.site.station, yard.site.person
    workspace_id, recurring_id = person.workspace_id, await make(yard)
    return {
        "/": BoardSource(workspace_id, BoardFilter(), station),
        "/inbox": InboxSource(workspace_id, person.user_id, "", "", station),
        "/agents": FleetSource(workspace_id, "", station),
        "/agents/research": AgentSource(workspace_id, yard.agent_ids["research"], station),
        "/recurring": RecurringSource(workspace_id, "", station),
        f"/recurring/{recurring_id}": RecurringSource(workspace_id, recurring_id, station),
    }


@pytest.mark.parametrize("name", ACTS)
async def test_an_old_page_with_its_live_fragments_is_the_fresh_page(yard: Yard, name: str) -> None:
    site = yard.site
    frame = ShellSource(site.person.workspace_id, site.person.user_id, site.station)
    parts = ("main", "bell", "spend", "freeze-all")
    async with AsyncExitStack() as stack:
        opened = []
        for address, source in (await pages(yard)).items():
            page = await fetch(site, address)
            seq = site.station.hub.last_seq
            viewer = await stack.enter_async_context(site.station.hub.viewer([source, frame], [seq, seq]))
            opened.append(OpenPage(address, parts, page, viewer.messages()))
        now_ms = site.clock.at_ms
        await ACTS[name](yard)
        site.clock.at_ms = now_ms  # ages tick in the browser, not in fragments
        for page in opened:
            fresh = truth(await fetch(site, page.address), *parts)
            assert await page.until(fresh) == fresh, page.address


async def test_an_agent_that_nobody_hears_is_offline_when_the_fleet_is_looked_at_again(yard: Yard) -> None:
    async def status() -> str:
        page = await fetch(yard.site, "/agents")
        row = page.find(f"agent-{yard.agent_ids['research']}")
        assert row is not None
        return row.html()

    async with yard.site.control.transaction() as session:
        agent = await session.get(Agent, yard.agent_ids["research"])
        assert agent is not None
        agent.seen_at_ms = yard.site.clock.now_ms()
    assert "Working" in await status()
    yard.later(5)
    assert "Offline" in await status()
    assert "It holds 1 task" in await status()
