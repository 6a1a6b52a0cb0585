"""One task in full: its card, brief, deliverables, runs, neighbours, usage and activity."""

from dataclasses import dataclass, replace
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import HoldKind, Question, TaskState, TaskStatus
from controlplane.domain.waiting import Reason, WaitingFacts, why_waiting
from controlplane.queries.activity import ActivityItem, activity_of
from controlplane.queries.calls import CallRow, calls_of_task
from controlplane.queries.card import CardView, Plate
from controlplane.queries.cards import load_cards_of, one_task
from controlplane.queries.costs import TaskCosts, costs_of_task
from controlplane.queries.deliverables import DeliverableView, Effort, LateView, deliverables_of, late_of
from controlplane.queries.freezes import FreezeView, freezes_on
from controlplane.queries.neighbours import Neighbour, around, blockers_of, waiting_for
from controlplane.queries.reviews import ReviewView, review_of
from controlplane.queries.rows import SIGNALS, TASKS, first_row, rows
from controlplane.queries.runs import RunView, runs_of
from controlplane.queries.subtasks import Part, PartsView, parent_of, parts_of
from controlplane.queries.task_usage import Stopping, UsageView, stopping_of, usage_of
from controlplane.queries.why import waiting_facts


@dataclass(frozen=True, slots=True)
class TaskView:
    """Everything the task page shows. `state` is the projected copy of what Temporal holds.

    `viewer_id` is the person who looks: what they may do stands on the page; empty when nobody in particular does.
    """

    card: CardView
    state: TaskState
    versions: tuple[DeliverableView, ...]
    late: tuple[LateView, ...]
    runs: tuple[RunView, ...]
    usage: UsageView
    costs: TaskCosts
    blockers: tuple[Neighbour, ...]
    waiting: tuple[Neighbour, ...]
    parent: Part | None
    parts: PartsView
    review: ReviewView
    freezes: tuple[FreezeView, ...]
    why: tuple[Reason, ...]
    upstream: tuple[str, ...]
    stopping: Stopping | None
    activity: tuple[ActivityItem, ...]
    calls: tuple[CallRow, ...]
    evidence: dict[str, Any]
    viewer_id: str = ""

    @property
    def live_run(self) -> RunView | None:
        return next((run for run in self.runs if run.is_live), None)

    @property
    def latest(self) -> DeliverableView | None:
        return self.versions[-1] if self.versions else None

    @property
    def question(self) -> Question | None:
        """What the agent asked and nobody has answered."""
        asked = self.state.question
        return asked if asked is not None and asked.is_open else None

    @property
    def waits_late(self) -> tuple[LateView, ...]:
        """What came too late, and nobody has said yet what becomes of it."""
        return tuple(one for one in self.late if one.adopted_version is None and one.discarded_at_ms is None)

    @property
    def waits_for_viewer(self) -> bool:
        """The verdict of the person who looks is wanted, and has not been given."""
        seat = self.review.seat_of(self.viewer_id)
        is_silent = seat is None or seat.verdict != "approve"
        return self.is_in_review and bool(self.viewer_id) and self.review.may(self.viewer_id) and is_silent

    @property
    def is_frozen(self) -> bool:
        return HoldKind.FREEZE in self.state.holds or bool(self.freezes)

    def effort(self, earlier: int, later: int) -> Effort:
        """What all runs used that began after one version's run, up to another's: the price of the change."""
        numbers = {one.version: one.run.number for one in self.versions}
        after, up_to = numbers.get(earlier, 0), numbers.get(later, 0)
        between = [run for run in self.runs if after < run.number <= up_to]
        return Effort(len(between), sum(run.calls for run in between), sum(run.cost_nano_usd for run in between))

    @property
    def is_handed_over(self) -> bool:
        """Somebody worked on it before, and the next run begins, or has begun, where that one ended."""
        begun = self.state.run_count - (1 if self.live_run else 0)
        return self.is_open and not self.is_in_review and begun > 0

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
    control: AsyncSession, calls: AsyncSession, workspace_id: str, task_id: str, now_ms: int, viewer_id: str = ""
) -> TaskView | None:
    """The whole page of one task, or None when this workspace has none of that id."""
    row = await first_row(control, one_task(workspace_id, task_id).add_columns(TASKS.c.state_json))
    if row is None:
        return None
    # A task's reason names others, and theirs name others again.
    known = await load_cards_of(control, workspace_id, await around(control, task_id))
    made = await calls_of_task(calls, task_id)
    state = msgspec.json.decode(row.state_json, type=TaskState)
    activity = await activity_of(control, task_id, made)
    runs = await runs_of(control, task_id)
    return TaskView(
        card=known[task_id],
        state=state,
        versions=await deliverables_of(control, task_id),
        late=await late_of(control, task_id),
        runs=runs,
        usage=await usage_of(control, task_id),
        costs=await costs_of_task(control, task_id),
        blockers=await blockers_of(control, known, task_id),
        waiting=await waiting_for(control, known, task_id),
        parent=await parent_of(control, state.parent_id),
        parts=await parts_of(control, task_id),
        review=review_of(state, row.review_problem, activity),
        freezes=await freezes_on(control, workspace_id, task_id, state.agent_id),
        why=why_waiting(_as_people_say(await waiting_facts(control, state, known, now_ms))),
        upstream=await _refs(control, state.upstream_changed),
        stopping=stopping_of(runs, made),
        activity=activity,
        calls=made,
        evidence=await _evidence(control, task_id),
        viewer_id=viewer_id,
    )


def _as_people_say(facts: WaitingFacts) -> WaitingFacts:
    """With the names of agents as they are read, not as the SDK is given them."""
    return replace(facts, agents=tuple(replace(one, name=Plate(one.name, "").title) for one in facts.agents))


async def _refs(session: AsyncSession, task_ids: tuple[str, ...]) -> tuple[str, ...]:
    """`T-12` for each task, by number."""
    if not task_ids:
        return ()
    numbers = await rows(session, select(TASKS.c.number).where(TASKS.c.task_id.in_(task_ids)).order_by(TASKS.c.number))
    return tuple(f"T-{row.number}" for row in numbers)


async def _evidence(session: AsyncSession, task_id: str) -> dict[str, Any]:
    row = await first_row(session, select(SIGNALS.c.evidence).where(SIGNALS.c.task_id == task_id))
    return dict(row[0] or {}) if row else {}
