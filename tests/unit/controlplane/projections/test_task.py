"""The projection: written once, in any order, by anybody who has heard what a command did."""

import itertools
import random
from functools import partial

import pytest
from msgspec.structs import replace
from sqlalchemy import select

from controlplane.domain.commands import (
    AddBlockers,
    AskQuestion,
    ClaimTask,
    Command,
    CreateTask,
    Envelope,
    FailRun,
    ReleaseRun,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.evolve import apply
from controlplane.domain.state import Actor, ActorKind, TaskState
from controlplane.ports import Applied
from controlplane.projections.task import project
from controlplane.store.tables import (
    ControlTable,
    DeliverableRow,
    Notice,
    Outbox,
    Run,
    Task,
    TaskEdge,
    TaskEvent,
    User,
)
from controlplane.store.upsert import table_of

PERSON = Actor(ActorKind.PERSON, "u_maya", "Maya")
AGENT = Actor(ActorKind.AGENT, "a_writer", "writer")
MASTER = b"m" * 32
LIFE: tuple[tuple[Actor, Command], ...] = (
    (PERSON, CreateTask("t_1", "w_1", "p_1", 12, "Write it")),
    (AGENT, ClaimTask("a_writer", "r_1")),
    (AGENT, FailRun("r_1", 1, "exception", "boom")),
    (AGENT, ClaimTask("a_writer", "r_2")),
    (AGENT, AskQuestion("r_2", 2, "q_1", "Which tone?")),
    (AGENT, SubmitDeliverable("r_2", 2, "aa", 10, title="Draft")),
    (PERSON, ReviewDeliverable(1, "request_changes", "Shorter")),
    (AGENT, ClaimTask("a_writer", "r_3")),
    (AGENT, SubmitDeliverable("r_3", 3, "bb", 8)),
    (PERSON, ReviewDeliverable(2, "approve", "")),
)


def play(commands: tuple[tuple[Actor, Command], ...], execution_id: str = "x1") -> list[Applied]:
    state: TaskState | None = None
    applied = []
    for at_ms, (actor, command) in enumerate(commands, start=1):
        envelope = Envelope(f"cmd_{at_ms}", actor, at_ms, command)
        events = decide(state, envelope)
        assert not isinstance(events, Refusal), events
        state = apply(state, envelope, events)
        applied.append(Applied(state, events, execution_id, envelope.command_id))
    return applied


async def write(database, *all_applied: Applied, is_current: bool | None = None) -> list[bool]:
    written = []
    for applied in all_applied:
        asked = partial(project, applied=applied, master_key=MASTER, now_ms=99, is_current_execution=is_current)
        written.append(await database.write(asked))
    return written


async def rows(database, table: type[ControlTable]) -> list[dict]:
    async with database.reading() as session:
        columns = table_of(table)
        return [dict(row._mapping) for row in await session.execute(select(columns).order_by(*columns.primary_key))]


async def everything(database) -> dict[str, list[dict]]:
    tables = (Task, Run, DeliverableRow, TaskEdge, TaskEvent)
    found = {table.__name__: await rows(database, table) for table in tables}
    for run in found["Run"]:
        run.pop("revision")  # says when it was last written, not what is true
    return found


async def test_a_task_is_written_with_its_runs_versions_and_activity(database):
    await write(database, *play(LIFE))
    (task,) = await rows(database, Task)
    assert (task["number"], task["status"], task["version"], task["revision"]) == (12, "done", 2, 10)
    assert [(run["epoch"], run["state"]) for run in await rows(database, Run)] == [
        (1, "failed"),
        (2, "rejected"),
        (3, "accepted"),
    ]
    assert [(row["version"], row["verdict"]) for row in await rows(database, DeliverableRow)] == [
        (1, "request_changes"),
        (2, "approve"),
    ]
    assert [row["kind"] for row in await rows(database, TaskEvent)] == [
        "task_created",
        "run_started",
        "run_ended",
        "run_started",
        "question_asked",
        "deliverable_submitted",
        "changes_requested",
        "run_started",
        "deliverable_submitted",
        "deliverable_approved",
    ]


async def test_projecting_twice_changes_nothing_and_tells_nobody(database):
    applied = play(LIFE)
    await write(database, *applied)
    before, told = await everything(database), len(await rows(database, Outbox))
    assert await write(database, *applied) == [False] * len(applied)
    assert await everything(database) == before
    assert len(await rows(database, Outbox)) == told


@pytest.mark.parametrize("seed", range(6))
async def test_any_order_of_arrival_ends_in_the_same_rows_and_the_whole_activity(database, seed):
    applied = play(LIFE)
    shuffled = applied + applied[::3]
    random.Random(seed).shuffle(shuffled)
    await write(database, *shuffled)
    (task,) = await rows(database, Task)
    assert (task["revision"], task["status"]) == (10, "done")
    assert len(await rows(database, TaskEvent)) == 10
    assert [row["verdict"] for row in await rows(database, DeliverableRow)] == ["request_changes", "approve"]
    assert {run["run_id"]: run["state"] for run in await rows(database, Run)} == {
        "r_1": "failed",
        "r_2": "rejected",
        "r_3": "accepted",
    }


async def test_a_late_writer_adds_its_events_but_not_its_row(database):
    applied = play(LIFE[:3])
    await write(database, applied[0], applied[2])
    assert await write(database, applied[1]) == [False]
    (task,) = await rows(database, Task)
    assert (task["status"], task["revision"]) == ("ready", 3)
    assert [row["kind"] for row in await rows(database, TaskEvent)] == ["task_created", "run_started", "run_ended"]
    assert (await rows(database, Outbox))[-1]["topic"] == "task"


async def test_a_reset_takes_the_row_back_and_kills_the_run_it_never_knew(database):
    before = play(LIFE[:4])
    await write(database, *before)
    after_reset = play(LIFE[:1], execution_id="x2")[0]
    assert await write(database, after_reset) == [False]
    assert await write(database, after_reset, is_current=True) == [True]
    (task,) = await rows(database, Task)
    assert (task["revision"], task["execution_id"], task["execution_generation"]) == (1, "x2", 1)
    assert {run["run_id"]: run["state"] for run in await rows(database, Run)} == {"r_1": "failed", "r_2": "superseded"}


async def test_a_zombie_execution_writes_no_row_even_with_a_newer_revision(database):
    await write(database, play(LIFE[:1], execution_id="x2")[0])
    assert await write(database, play(LIFE[:3], execution_id="x1")[2], is_current=False) == [False]
    assert (await rows(database, Task))[0]["execution_id"] == "x2"


async def test_the_time_in_a_status_starts_when_the_status_changes(database):
    created, claimed, *_ = play(LIFE)
    edited = Applied(replace(claimed.state, revision=3, title="New", updated_at_ms=50), (), "x1")
    await write(database, created, claimed, edited)
    (task,) = await rows(database, Task)
    assert (task["title"], task["updated_at_ms"], task["status_since_ms"]) == ("New", 50, 2)


async def test_each_change_is_announced_with_the_runs_that_started_or_ended(database):
    await write(database, *play(LIFE[:3]))
    assert [(row["topic"], row["subject_id"]) for row in await rows(database, Outbox)] == [
        ("task", "t_1"),
        ("run", "r_1"),
        ("task", "t_1"),
        ("run", "r_1"),
        ("task", "t_1"),
    ]


async def test_edges_follow_the_state(database):
    added = play((LIFE[0], (PERSON, AddBlockers(("t_7", "t_8")))))
    async with database.transaction() as session:
        session.add(TaskEdge(task_id="t_1", blocker_id="t_7", workspace_id="w_1"))
        session.add(TaskEdge(task_id="t_1", blocker_id="t_6", workspace_id="w_1"))
    await write(database, *added)
    assert [row["blocker_id"] for row in await rows(database, TaskEdge)] == ["t_7", "t_8"]


@pytest.mark.parametrize("creator_is_known", [True, False])
async def test_a_review_a_question_and_help_reach_the_creator_or_else_all_admins(database, creator_is_known):
    async with database.transaction() as session:
        for user_id in ("u_ann", "u_maya" if creator_is_known else "u_zoe"):
            session.add(
                User(user_id=user_id, workspace_id="w_1", email=user_id, name=user_id, handle=user_id, created_at_ms=0)
            )
    await write(database, *play(LIFE[:5]))
    expected = {"u_maya"} if creator_is_known else {"u_ann", "u_zoe"}
    notices = await rows(database, Notice)
    assert {(row["user_id"], row["kind"], row["text"]) for row in notices} == {
        (user_id, "question", "asks: “Which tone?”") for user_id in expected
    }
    announced = [row["subject_id"] for row in await rows(database, Outbox) if row["topic"] == "notice"]
    assert set(announced) == expected


async def test_a_notice_resolves_itself_when_its_cause_is_gone(database):
    async with database.transaction() as session:
        session.add(User(user_id="u_maya", workspace_id="w_1", email="m", name="Maya", handle="m", created_at_ms=0))
    await write(database, *play(LIFE))
    notices = await rows(database, Notice)
    assert sorted(row["kind"] for row in notices) == ["question", "review", "review"]
    assert all(row["resolved_at_ms"] == 99 for row in notices)


async def test_three_failures_call_for_help(database):
    async with database.transaction() as session:
        session.add(User(user_id="u_maya", workspace_id="w_1", email="m", name="Maya", handle="m", created_at_ms=0))
    failing = itertools.chain.from_iterable(
        ((AGENT, ClaimTask("a_writer", f"r_{n}")), (AGENT, FailRun(f"r_{n}", n, "exception"))) for n in (1, 2, 3)
    )
    await write(database, *play((LIFE[0], *failing)))
    (notice,) = await rows(database, Notice)
    assert notice["kind"] == "help"
    assert (await rows(database, Task))[0]["is_claimable"] is False


async def test_work_in_review_shows_its_author_but_waiting_work_shows_only_whom_it_is_assigned_to(database):
    in_review = play((LIFE[0], LIFE[1], (AGENT, SubmitDeliverable("r_1", 1, "aa", 1))))
    released = play((LIFE[0], LIFE[1], (AGENT, ReleaseRun("r_1", 1))))
    await write(database, in_review[-1])
    assert (await rows(database, Task))[0]["agent_id"] == "a_writer"
    await write(database, Applied(replace(released[-1].state, revision=9), (), "x1"))
    assert (await rows(database, Task))[0]["agent_id"] is None
