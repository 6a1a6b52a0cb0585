"""One task in full: its card, brief, deliverables, runs, neighbours, usage and activity."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import TaskState, TaskStatus
from controlplane.queries.activity import ActivityItem, activity_of
from controlplane.queries.board import BoardFilter, board_view
from controlplane.queries.calls import CallRow, calls_of_task
from controlplane.queries.card import CardView, Plate
from controlplane.queries.cards import card_of, one_task, usage_by_task
from controlplane.queries.neighbours import Neighbour, blockers_of, waiting_for
from controlplane.queries.rows import SIGNALS, TASKS, USAGE, first_row
from controlplane.queries.runs import RunView, Version, runs_of, versions_of


@dataclass(frozen=True, slots=True)
class UsageView:
    """What all runs of a task have used together."""

    calls: int = 0
    tool_calls: int = 0
    errors: int = 0
    unknown_calls: int = 0
    input_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    cost_nano_usd: int = 0
    live_cost_nano_usd: int = 0
    bound_nano_usd: int = 0


@dataclass(frozen=True, slots=True)
class TaskView:
    """Everything the task page shows. `state` is the projected copy of what Temporal holds."""

    card: CardView
    state: TaskState
    versions: tuple[Version, ...]
    runs: tuple[RunView, ...]
    usage: UsageView
    blockers: tuple[Neighbour, ...]
    waiting: tuple[Neighbour, ...]
    activity: tuple[ActivityItem, ...]
    calls: tuple[CallRow, ...]
    evidence: dict[str, Any]
    agents: tuple[Plate, ...]

    @property
    def live_run(self) -> RunView | None:
        return next((run for run in self.runs if run.is_live), None)

    @property
    def latest(self) -> Version | None:
        return self.versions[-1] if self.versions else None

    @property
    def question(self) -> str:
        """What the agent asked and nobody has answered."""
        asked = self.state.question
        return asked.text if asked is not None and asked.answer is None else ""

    @property
    def is_in_review(self) -> bool:
        return self.card.status is TaskStatus.IN_REVIEW

    @property
    def is_open(self) -> bool:
        return not self.state.is_closed


async def task_id_of(session: AsyncSession, workspace_id: str, ref: str) -> str | None:
    """The task that `T-12`, `12` or its own id names; None when this workspace has none."""
    number = ref.removeprefix("T-").removeprefix("t-")
    named = TASKS.c.number == int(number) if number.isdecimal() and len(number) < 10 else TASKS.c.task_id == ref
    row = await first_row(session, select(TASKS.c.task_id).where(TASKS.c.workspace_id == workspace_id, named))
    return str(row[0]) if row else None


async def task_view(
    control: AsyncSession, calls: AsyncSession, workspace_id: str, task_id: str, now_ms: int
) -> TaskView | None:
    """The whole page of one task, or None when this workspace has none of that id."""
    row = await first_row(control, one_task(workspace_id, task_id).add_columns(TASKS.c.state_json))
    if row is None:
        return None
    # A task's reason names others, and theirs name others again: the board is the smallest whole.
    board = await board_view(control, workspace_id, BoardFilter(shows_ended=True), now_ms)
    made = await calls_of_task(calls, task_id)
    known = board.cards()
    return TaskView(
        card=known.get(task_id) or card_of(row, await first_row(control, usage_by_task(task_id))),
        state=msgspec.json.decode(row.state_json, type=TaskState),
        versions=await versions_of(control, task_id),
        runs=await runs_of(control, task_id),
        usage=await _usage(control, task_id),
        blockers=await blockers_of(control, known, task_id),
        waiting=await waiting_for(control, known, task_id),
        activity=await activity_of(control, task_id, made),
        calls=made,
        evidence=await _evidence(control, task_id),
        agents=board.plates,
    )


async def _usage(session: AsyncSession, task_id: str) -> UsageView:
    sums = [func.coalesce(func.sum(USAGE.c[name]), 0).label(name) for name in UsageView.__dataclass_fields__]
    row = await first_row(session, select(*sums).where(USAGE.c.task_id == task_id))
    return UsageView(*row) if row else UsageView()


async def _evidence(session: AsyncSession, task_id: str) -> dict[str, Any]:
    row = await first_row(session, select(SIGNALS.c.evidence).where(SIGNALS.c.task_id == task_id))
    return dict(row[0] or {}) if row else {}
