"""*Old page + live fragments == fresh page*, for every command, for the cost that ticks and for what the watch finds.

If this fails, do not look at the browser: a view lacks a fact that its page shows, or a fragment is not sent for it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx2
import pytest

from controlplane.domain.commands import (
    AnswerQuestion,
    CancelTask,
    CompleteTask,
    EditTask,
    FailRun,
    FailTask,
    HoldTask,
    MoveTask,
    NudgeRun,
    RemoveBlocker,
    ResolveBlocker,
    RestartRun,
)
from controlplane.domain.state import Actor, ActorKind, HoldKind, TaskStatus
from controlplane.queries.board import BoardFilter
from tests.fakes import situations
from tests.fakes.document import Node, apply_fragments, read_html, truth
from tests.fakes.project import Yard
from tests.fakes.site import Site
from web.deliverables import Selection
from web.live.board import BoardSource
from web.live.channel import Source
from web.live.inbox import InboxSource
from web.live.shell import ShellSource
from web.live.task import TaskSource

Act = Callable[[Yard], Awaitable[object]]
SYSTEM = Actor(ActorKind.SYSTEM, "workers")


async def state(yard: Yard, ref: str):
    found = await yard.site.commands.find_task(ref)
    return yard.site.engine.tasks[found.task_id]


async def fail(yard: Yard) -> None:
    task = await state(yard, "T-7")
    run = task.live_run
    assert run is not None
    await yard.do(yard.agent_actor("research"), task, FailRun(run.run_id, run.epoch, "exception", "KeyError: 'price'"))


async def answer(yard: Yard) -> None:
    task = await state(yard, "T-6")
    assert task.question is not None
    await yard.do(yard.site.person.actor, task, AnswerQuestion(task.question.question_id, "Regions."))


async def take(yard: Yard) -> None:
    await yard.create("Lay out the PDF", agent="publishing")
    await yard.claim("publishing")


async def take_and_give_back(yard: Yard) -> None:
    await yard.create("Lay out the PDF", agent="publishing")
    await yard.release(await yard.claim("publishing"))


async def submit(yard: Yard) -> None:
    await yard.create("Lay out the PDF", agent="publishing")
    await yard.submit(await yard.claim("publishing"))


async def spend(yard: Yard) -> None:
    await yard.create("Lay out the PDF", agent="publishing")
    claim = await yard.claim("publishing")
    await yard.call(claim, "gpt-5-mini", "Lay out", 12_000_000)
    await asyncio.sleep(0.3)
    await yard.spend(claim, 13_000_000, "writing")


async def get_stuck(yard: Yard) -> None:
    await yard.stuck(await state(yard, "T-7"), "No call and no output for 4 min", 4)


async def do(yard: Yard, ref: str, command: object) -> None:
    await yard.do(yard.site.person.actor, await state(yard, ref), command)


async def resolve(yard: Yard) -> None:
    done = await state(yard, "T-3")
    await yard.do(SYSTEM, await state(yard, "T-4"), ResolveBlocker(done.task_id, "done"))


async def review(yard: Yard, verdict: str, note: str) -> None:
    await yard.review(await state(yard, "T-2"), 2, verdict, note)


async def assign(yard: Yard) -> None:
    await yard.site.commands.assign(yard.site.person.actor, "cmd_assign_1", "T-3", "qa")


async def remove_blocker(yard: Yard) -> None:
    await do(yard, "T-4", RemoveBlocker((await state(yard, "T-3")).task_id))


async def add_blocker(yard: Yard) -> None:
    await yard.site.commands.add_blockers(yard.site.person.actor, "cmd_blockers", "T-8", ("T-7", "T-2"))


async def comment(yard: Yard) -> None:
    await yard.comment(await state(yard, "T-3"), "Leave Finland open, @admin.", yard.agent_actor("qa"))


async def freeze(yard: Yard) -> None:
    person = yard.site.person
    await yard.site.commands.freeze(person.actor, "cmd_freeze_1", "task", "T-3", "Stop.", person.workspace_id)


async def freeze_and_thaw(yard: Yard) -> None:
    await freeze(yard)
    person = yard.site.person
    await yard.site.commands.thaw(person.actor, "cmd_thaw_1", "task", "T-3", "Go on.", person.workspace_id)


def at_once(act: Act) -> Act:
    """Without the time that passes in it: ages tick in the browser, not in fragments."""

    async def acted(yard: Yard) -> None:
        yard.later = lambda minutes: None  # type: ignore[method-assign]
        await act(yard)

    return acted


async def save_checkpoint(yard: Yard) -> None:
    await yard.site.commands.checkpoint(yard.caller(situations.live_claim(yard, 3)), b"{}", "half of the table")
    await assign(yard)


ACTS: dict[str, Act] = {
    "create": lambda yard: yard.create("Write the newsletter", needs=("write",), priority=1),
    "create_in_the_backlog": lambda yard: yard.create("Later", to_backlog=True),
    "edit": lambda yard: do(yard, "T-8", EditTask(title="Glossary of <terms>", priority=1, brief="# Terms")),
    "move_to_ready": lambda yard: do(yard, "T-9", MoveTask(TaskStatus.READY)),
    "move_to_backlog": lambda yard: do(yard, "T-8", MoveTask(TaskStatus.BACKLOG)),
    "take_away": lambda yard: do(yard, "T-7", MoveTask(TaskStatus.READY)),
    "assign": assign,
    "claim": take,
    "release": take_and_give_back,
    "fail": fail,
    "submit": submit,
    "approve": lambda yard: review(yard, "approve", ""),
    "request_changes": lambda yard: review(yard, "request_changes", "Say *how many* installers."),
    "answer": answer,
    "add_blocker": add_blocker,
    "remove_blocker": remove_blocker,
    "resolve_blocker": resolve,
    "cancel": lambda yard: do(yard, "T-3", CancelTask("no time")),
    "comment": comment,
    "spend": spend,
    "stuck": get_stuck,
    "hold": lambda yard: do(yard, "T-3", HoldTask(HoldKind.OPERATOR, "lunch")),
    "freeze": freeze,
    "freeze_and_thaw": freeze_and_thaw,
    "nudge": lambda yard: do(yard, "T-3", NudgeRun("Leave Finland open.")),
    "restart": lambda yard: do(yard, "T-3", RestartRun(from_checkpoint=False, reason="afresh")),
    "checkpoint": save_checkpoint,
    "review_by_several": at_once(situations.review_by_several),
    "late_work": at_once(situations.late_work),
    "give_up": lambda yard: do(yard, "T-3", FailTask("impossible")),
    "complete": lambda yard: do(yard, "T-2", CompleteTask("good enough")),
    "reopen": situations.upstream_reopened,
}

PAGES: dict[str, tuple[str, ...]] = {
    "/": ("main", "bell", "spend"),
    "/?signal=attention": ("main", "bell", "spend"),
    "/tasks/T-2": ("main", "bell", "spend"),
    "/tasks/T-3": ("main", "bell", "spend"),
    "/tasks/T-4": ("main",),
    "/inbox": ("main", "bell"),
}


async def fetch(site: Site, address: str) -> Node:
    transport = httpx2.ASGITransport(site.app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver") as client:
        answered = await client.get(address, headers={"Cookie": f"pointsman_session={site.cookie}"})
    assert answered.status_code == 200, answered.text
    return read_html(answered.text)


async def sources(site: Site, address: str) -> list[Source]:
    workspace = site.person.workspace_id
    frame = ShellSource(workspace, site.person.user_id, site.station)
    if address.startswith("/tasks/"):
        found = await site.commands.find_task(address.removeprefix("/tasks/"))
        return [TaskSource(workspace, site.person.user_id, found.task_id, Selection(), site.station), frame]
    if address == "/inbox":
        return [InboxSource(workspace, site.person.user_id, "", "", site.station), frame]
    wanted = BoardFilter(signal="attention" if "attention" in address else "")
    return [BoardSource(workspace, wanted, site.station), frame]


@dataclass
class OpenPage:
    """A page as a browser holds it, and the stream that it follows."""

    address: str
    parts: tuple[str, ...]
    page: Node
    messages: AsyncIterator[bytes]

    async def until(self, fresh: str) -> str:
        """Applies what the stream brings until the page is the fresh one, or nothing more comes for three seconds."""
        try:
            async with asyncio.timeout(3):
                while truth(self.page, *self.parts) != fresh:
                    event = (await anext(self.messages)).decode()
                    assert "event: resync" not in event
                    apply_fragments(self.page, fragments_in(event))
        except TimeoutError:
            pass
        return truth(self.page, *self.parts)


def fragments_in(event: str) -> str:
    return "\n".join(line.removeprefix("data: ") for line in event.splitlines() if line.startswith("data: "))


@asynccontextmanager
async def opened(site: Site, address: str, parts: tuple[str, ...]) -> AsyncIterator[OpenPage]:
    watched = await sources(site, address)
    page = await fetch(site, address)
    async with site.station.hub.viewer(watched, [site.station.hub.last_seq] * len(watched)) as viewer:
        yield OpenPage(address, parts, page, viewer.messages())


@pytest.mark.parametrize("name", ACTS)
async def test_an_old_page_with_its_live_fragments_is_the_fresh_page(yard: Yard, name: str) -> None:
    async with AsyncExitStack() as stack:
        pages = [await stack.enter_async_context(opened(yard.site, *page)) for page in PAGES.items()]
        await ACTS[name](yard)
        for page in pages:
            fresh = truth(await fetch(yard.site, page.address), *page.parts)
            assert await page.until(fresh) == fresh, page.address


async def test_one_more_event_costs_one_small_fragment_and_not_a_board(yard: Yard) -> None:
    for number in range(40):
        await yard.create(f"Task {number}")
    source = BoardSource(yard.site.person.workspace_id, BoardFilter(), yard.site.station)
    old = await source.load()
    await do(yard, "T-8", EditTask(title="Glossary"))
    fragments = source.difference(old, await source.load(), 1)
    assert fragments is not None
    assert fragments.count("<hx-partial") == 1
    assert len(fragments) < 2500


async def test_a_cost_that_ticks_sends_only_its_own_node_and_the_sum(yard: Yard) -> None:
    source = BoardSource(yard.site.person.workspace_id, BoardFilter(), yard.site.station)
    await yard.create("Lay out the PDF", agent="publishing")
    claim = await yard.claim("publishing")
    await yard.spend(claim, 12_000_000, "writing")
    old = await source.load()
    await yard.spend(claim, 13_000_000, "writing")
    fragments = source.difference(old, await source.load(), 1)
    assert fragments is not None
    targets = [node.attributes["hx-target"] for node in read_html(fragments).elements()]
    assert targets == [f"#cost-T-{claim.state.number}", "#sum-in_progress"]


async def test_a_viewer_that_comes_back_gets_what_it_missed(yard: Yard) -> None:
    site = yard.site
    watched = await sources(site, "/")
    before = await fetch(site, "/")
    seq = site.station.hub.last_seq
    async with site.station.hub.viewer(watched, [seq, seq]):
        await yard.create("While you were away")
        async with asyncio.timeout(3):
            while site.station.hub.last_seq == seq:
                await asyncio.sleep(0.01)
    async with site.station.hub.viewer(watched, [seq, seq]) as viewer:
        messages = viewer.messages()
        async with asyncio.timeout(3):
            while before.find("card-T-10") is None:
                apply_fragments(before, fragments_in((await anext(messages)).decode()))
    assert truth(before, "main") == truth(await fetch(site, "/"), "main")
