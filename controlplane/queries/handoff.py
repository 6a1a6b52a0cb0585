"""What the next agent gets with a task that somebody worked on before: enough to go on, and what it cost so far.

Made when it is asked for, from what is kept anyway: nothing is lost when the agent that left could not say goodbye.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import LIVE, Run, TaskState
from controlplane.ports import BlobStore
from controlplane.queries.costs import TaskCosts, costs_of_task
from controlplane.queries.rows import AGENTS, BODIES, CALLS, DELIVERABLES, EVENTS, rows
from controlplane.store.database import Database
from controlplane.store.states import state_of
from controlplane.store.tables import Checkpoint
from controlplane.store.upsert import table_of

RESULTS_SHOWN = 5  # of tools, the last ones
EXCERPT = 4_000  # characters of a text in the packet; the whole is behind its link
CHECKPOINTS = table_of(Checkpoint)


@dataclass(frozen=True, slots=True)
class EarlierRun:
    """The attempt before, and how it ended."""

    number: int
    agent: str
    state: str
    reason: str
    ended_at_ms: int | None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person has settled: an answer to a question, or a verdict with its note."""

    kind: str  # answer | verdict
    asked: str
    said: str
    by: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class LatestWork:
    """The last version there is, with its beginning."""

    version: int
    kind: str
    title: str
    sha256: str
    size_bytes: int
    excerpt: str


@dataclass(frozen=True, slots=True)
class SavedState:
    """The checkpoint to go on from."""

    run_id: str
    sha256: str
    size_bytes: int
    note: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool said last."""

    call_id: str
    label: str
    tool: str
    excerpt: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Handoff:
    """The packet. Everything but the goal may be empty: then there was nothing of it."""

    task_id: str
    ref: str
    goal: str
    brief: str
    earlier: tuple[EarlierRun, ...]
    latest: LatestWork | None
    decisions: tuple[Decision, ...]
    open_questions: tuple[str, ...]
    checkpoint: SavedState | None
    tool_results: tuple[ToolResult, ...]
    costs: TaskCosts


async def handoff_of(control: Database, calls: Database, blobs: BlobStore, task_id: str) -> Handoff | None:
    """The packet as it is now; None when SQL does not know the task yet."""
    async with control.reading() as session:
        state = await state_of(session, task_id)
        if state is None:
            return None
        names = {row.agent_id: row.name for row in await rows(session, select(AGENTS.c.agent_id, AGENTS.c.name))}
        events = await rows(session, EVENTS.select().where(EVENTS.c.task_id == task_id).order_by(EVENTS.c.revision))
        latest = await _latest(session, blobs, task_id)
        saved = await checkpoint_of(session, state)
        costs = await costs_of_task(session, task_id)
    async with calls.reading() as session:
        results = await _tool_results(session, task_id)
    return Handoff(
        task_id=task_id,
        ref=f"T-{state.number}",
        goal=state.title,
        brief=state.brief,
        earlier=tuple(_earlier(run, names) for run in state.runs if run.state not in LIVE),
        latest=latest,
        decisions=_decisions(events),
        open_questions=_open_questions(state, events),
        checkpoint=saved,
        tool_results=results,
        costs=costs,
    )


async def checkpoint_of(session: AsyncSession, state: TaskState) -> SavedState | None:
    """The newest checkpoint that a person has not thrown away with a restart from nothing."""
    columns = CHECKPOINTS.c
    found = await rows(
        session,
        CHECKPOINTS.select()
        .where(columns.task_id == state.task_id, columns.epoch > state.checkpoint_floor)
        .order_by(columns.epoch.desc(), columns.at_ms.desc())
        .limit(1),
    )
    if not found:
        return None
    row = found[0]
    return SavedState(row.run_id, row.sha256, row.size_bytes, row.note, row.at_ms)


def _earlier(run: Run, names: dict[str, str]) -> EarlierRun:
    return EarlierRun(run.number, names.get(run.agent_id, run.agent_id), run.state, run.reason, run.ended_at_ms)


async def _latest(session: AsyncSession, blobs: BlobStore, task_id: str) -> LatestWork | None:
    versions = DELIVERABLES.select().where(DELIVERABLES.c.task_id == task_id)
    found = await rows(session, versions.order_by(DELIVERABLES.c.version.desc()).limit(1))
    if not found:
        return None
    row = found[0]
    content = b"" if row.format == "file" else (await blobs.get(row.sha256) or b"")
    excerpt = content[: 4 * EXCERPT].decode("utf-8", "replace")[:EXCERPT]
    return LatestWork(row.version, row.format, row.title, row.sha256, row.size_bytes, excerpt)


def _decisions(events: Any) -> tuple[Decision, ...]:
    asked = {row.body["question_id"]: row.body.get("text", "") for row in events if row.kind == "question_asked"}
    found: list[Decision] = []
    for row in events:
        body: dict[str, Any] = row.body or {}
        match row.kind:
            case "question_answered":
                value = body.get("value")
                said = body.get("text", "") if value is None else _said(value)
                found.append(Decision("answer", asked.get(body["question_id"], ""), said, row.actor_name, row.at_ms))
            case "question_expired":
                question = asked.get(body["question_id"], "")
                found.append(Decision("answer", question, "no answer in time: no", "", row.at_ms))
            case "changes_requested" | "approval_given" | "deliverable_approved":
                verdict = "changes requested" if row.kind == "changes_requested" else "approved"
                said = f"{verdict}: {body['note']}" if body.get("note") else verdict
                found.append(Decision("verdict", f"v{body['version']}", said, row.actor_name, row.at_ms))
    return tuple(found)


def _said(value: Any) -> str:
    match value:
        case True:
            return "approved"
        case False:
            return "denied"
        case dict():
            return ", ".join(f"{name}: {each}" for name, each in value.items())
        case _:
            return str(value)


def _open_questions(state: TaskState, events: Any) -> tuple[str, ...]:
    """What nobody answered before its run ended, and what a reviewer wants to know."""
    settled = {row.body["question_id"] for row in events if row.kind in {"question_answered", "question_expired"}}
    unanswered = [
        row.body.get("text", "")
        for row in events
        if row.kind == "question_asked" and row.body["question_id"] not in settled
    ]
    return (*unanswered, *((state.clarification.text,) if state.clarification else ()))


async def _tool_results(session: AsyncSession, task_id: str) -> tuple[ToolResult, ...]:
    query = (
        select(CALLS.c.call_id, CALLS.c.label, CALLS.c.model, CALLS.c.started_at_ns, BODIES.c.response)
        .select_from(CALLS.outerjoin(BODIES, BODIES.c.call_id == CALLS.c.call_id))
        .where(CALLS.c.task_id == task_id, CALLS.c.kind == "tool", CALLS.c.outcome == "ok")
        .order_by(CALLS.c.started_at_ns.desc())
        .limit(RESULTS_SHOWN)
    )
    return tuple(_result(row) for row in reversed(await rows(session, query)))


def _result(row: Row[Any]) -> ToolResult:
    excerpt = (row.response or "")[:EXCERPT]
    return ToolResult(row.call_id, row.label, row.model, excerpt, row.started_at_ns // 1_000_000)
