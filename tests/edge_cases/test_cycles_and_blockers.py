"""Rows of the table: dependency cancelled or failed, reopened, cycle or self-block, blocked with no blocker."""

import pytest
from pointsman.contract import ErrorCode
from sqlalchemy import select

from controlplane.domain.choices import choices
from controlplane.domain.commands import (
    AddBlockers,
    CancelTask,
    CompleteTask,
    FailTask,
    GiveHelp,
    RemoveBlocker,
    ReopenTask,
    ResolveBlocker,
)
from controlplane.domain.state import HumanCause, RunState, TaskStatus
from controlplane.domain.transitions import TRANSITIONS
from controlplane.store.tables import Directive
from tests.edge_cases.team import SYSTEM, Team


async def pair(team: Team) -> tuple[str, str]:
    """A task, and one that waits for it."""
    first = await team.task("first")
    second = await team.task("second", blockers=(f"T-{first.number}",))
    return first.task_id, second.task_id


@pytest.mark.parametrize("ending", [CancelTask("not wanted"), FailTask("cannot be done")], ids=["cancelled", "failed"])
async def test_a_dependency_that_is_cancelled_or_fails_calls_a_person_who_may_drop_it_replace_it_or_cancel(
    team: Team, ending
):
    first, second = await pair(team)
    closed = await team.say(first, ending)
    state = await team.say(second, ResolveBlocker(first, closed.status, closed.revision), SYSTEM)
    assert state.human_cause in {HumanCause.BLOCKER_CANCELLED, HumanCause.BLOCKER_FAILED}
    assert [text for _, text in await team.notices("help")] == [state.needs_human]
    assert {choice.verb for choice in choices(state)} == {"remove_blocker", "add_blockers", "cancel"}
    assert (await team.is_refused(second, GiveHelp("Go on."))).code is ErrorCode.ILLEGAL_TRANSITION

    other = await team.task("another way")
    replaced = await team.say(second, AddBlockers((other.task_id,)))
    assert replaced.needs_human
    replaced = await team.say(second, RemoveBlocker(first))
    assert (replaced.needs_human, replaced.open_blockers) == ("", (other.task_id,))
    assert await team.notices("help") == []


async def test_a_dependency_reopened_after_its_dependent_started_stops_nothing_and_is_told_to_agent_and_reviewer(
    team: Team,
):
    first, second = await pair(team)
    done = await team.say(first, CompleteTask())
    await team.say(second, ResolveBlocker(first, "done", done.revision), SYSTEM)
    caller = await team.begin("writer")
    reopened = await team.say(first, ReopenTask("one more thing"))
    state = await team.say(second, ResolveBlocker(first, "open", reopened.revision), SYSTEM)
    assert (state.status, state.live_run.state) == (TaskStatus.IN_PROGRESS, RunState.RUNNING)
    async with team.database.reading() as session:
        told = (await session.execute(select(Directive))).scalars().all()
    assert [(one.run_id, one.kind) for one in told] == [(caller.run_id, "upstream_changed")]
    await team.service.submit(caller, b"built on the old one")
    assert (await team.row(second)).has_changed_upstream


async def test_a_cycle_or_a_task_that_blocks_itself_is_refused_with_its_path(team: Team):
    for title in ("a", "b", "c"):
        await team.task(title)
    await team.service.add_blockers(team.admin.actor, "one", "T-1", ["T-2"])
    await team.service.add_blockers(team.admin.actor, "two", "T-2", ["T-3"])
    ids = {state.number: task_id for task_id, state in team.engine.tasks.items()}
    circle = await team.is_refused(ids[3], AddBlockers((ids[1],)))
    assert (circle.code, circle.detail["path"]) == (ErrorCode.DEPENDENCY_CYCLE, ["T-3", "T-1", "T-2", "T-3"])
    itself = await team.is_refused(ids[1], AddBlockers((ids[1],)))
    assert (itself.code, itself.detail["path"]) == (ErrorCode.DEPENDENCY_CYCLE, ["T-1", "T-1"])


async def test_a_task_blocked_with_no_blocker_is_impossible_because_blocked_is_derived(team: Team):
    first, second = await pair(team)
    assert "blocked" not in set(TaskStatus)
    assert not any("block" in str(row.to) for row in TRANSITIONS)
    assert (await team.row(second)).is_blocked
    state = await team.say(second, RemoveBlocker(first))
    assert (state.blockers, state.is_blocked, state.is_claimable) == ({}, False, True)
    assert not (await team.row(second)).is_blocked
