"""The machines of a run and of its lease, as tables; the task's stands in `transitions.py`.

A run's state is stored, and moves only with an event of its task. A lease is not stored: it is what a run's state, its
epoch and the last sign of life come to; the engine keeps the timer. What people call *queued*, *dispatched* and
*parked* is derived, because agents come and take: nothing is sent to them.
"""

from dataclasses import dataclass
from enum import StrEnum

from controlplane.domain import events as happened
from controlplane.domain.events import Event
from controlplane.domain.state import Run, RunState, TaskState

_R = RunState
_ASKING = (_R.WAITING_INPUT, _R.WAITING_APPROVAL)
_LIVE = (_R.RUNNING, *_ASKING, _R.PAUSED)
_OVER = (_R.ACCEPTED, _R.REJECTED, _R.RELEASED, _R.FAILED, _R.LOST, _R.CANCELLED, _R.SUPERSEDED)


@dataclass(frozen=True, slots=True)
class RunStep:
    """One row of the run's machine; no origins: it begins."""

    origins: tuple[RunState, ...]
    to: RunState
    events: tuple[type[Event], ...]
    sentence: str


RUN_STEPS: tuple[RunStep, ...] = (
    RunStep((), _R.RUNNING, (happened.RunStarted,), "An agent takes the task, under the next epoch"),
    RunStep(
        (_R.RUNNING,), _R.WAITING_INPUT, (happened.QuestionAsked,), "It asks a person, and need not beat meanwhile"
    ),
    RunStep((_R.RUNNING,), _R.WAITING_APPROVAL, (happened.QuestionAsked,), "It asks for an approval"),
    RunStep(_ASKING, _R.RUNNING, (happened.QuestionAnswered,), "It is answered"),
    RunStep(_ASKING, _R.RUNNING, (happened.QuestionExpired,), "Nobody answered in time, which means no"),
    RunStep((_R.RUNNING, *_ASKING), _R.PAUSED, (happened.TaskHeld,), "Its task is held; its lease is safe"),
    RunStep((_R.PAUSED,), _R.RUNNING, (happened.HoldLifted,), "The last hold is lifted"),
    RunStep((_R.PAUSED,), _R.WAITING_INPUT, (happened.HoldLifted,), "The last hold is lifted; its question is open"),
    RunStep((_R.PAUSED,), _R.WAITING_APPROVAL, (happened.HoldLifted,), "The last hold is lifted; its approval is open"),
    RunStep(_LIVE, _R.SUBMITTED, (happened.DeliverableSubmitted,), "It hands in its work"),
    RunStep(_OVER, _R.SUBMITTED, (happened.DeliverableSubmitted,), "A person adopts what it handed in too late"),
    RunStep((_R.SUBMITTED,), _R.ACCEPTED, (happened.DeliverableApproved,), "Its work is approved"),
    RunStep((_R.SUBMITTED,), _R.ACCEPTED, (happened.TaskCompleted,), "A person calls the task done"),
    RunStep((_R.SUBMITTED,), _R.REJECTED, (happened.ChangesRequested,), "Changes are asked for"),
    RunStep(
        (_R.SUBMITTED,), _R.SUPERSEDED, (happened.DeliverableSubmitted,), "Other work takes its place in the review"
    ),
    RunStep(
        (_R.SUBMITTED,), _R.CANCELLED, (happened.TaskCancelled, happened.TaskFailed), "Its task is closed unreviewed"
    ),
    RunStep(_LIVE, _R.RELEASED, (happened.RunEnded,), "It gives the task back, which is no failure"),
    RunStep(_LIVE, _R.FAILED, (happened.RunEnded,), "It says that it failed, and why"),
    RunStep((_R.RUNNING,), _R.LOST, (happened.RunEnded,), "It fell silent; what waits or is paused is never lost"),
    RunStep(_LIVE, _R.CANCELLED, (happened.RunEnded,), "A person takes the task back or closes it"),
    RunStep(_LIVE, _R.SUPERSEDED, (happened.RunEnded,), "A person gives the task to another agent, or begins it again"),
    RunStep((_R.LOST,), _R.RUNNING, (happened.RunResumed,), "It is back before anybody took over, under its old epoch"),
    RunStep((_R.LOST,), _R.PAUSED, (happened.RunResumed,), "It is back, and its task is held meanwhile"),
)

# Words that people and the API use for what is not stored; see docs/decisions.
DERIVED_RUN_STATES: dict[str, str] = {
    "queued": "the task can be claimed, and no agent has taken it: there is no run yet",
    "dispatched": "the run is claimed, and has given no sign of life of its own yet",
    "parked": "a call of a paused run is held open at the gateway until the run goes on",
}


def is_run_step(origin: RunState | None, to: RunState, event: type) -> bool:
    """Does the table know this step?"""
    return any(
        row.to is to and event in row.events and (origin in row.origins or (origin is None and not row.origins))
        for row in RUN_STEPS
    )


class LeaseState(StrEnum):
    """How a run's right to act stands. *Suspected* is known to the engine alone."""

    NONE = "none"
    HELD = "held"
    SUSPECTED = "suspected"
    LOST = "lost"
    RELEASED = "released"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class LeaseStep:
    """One row of the lease's machine, and who decides it."""

    origins: tuple[LeaseState, ...]
    to: LeaseState
    event: str
    decided_by: str
    sentence: str


_L = LeaseState
_ACTING = (_L.HELD, _L.SUSPECTED)
LEASE_STEPS: tuple[LeaseStep, ...] = (
    LeaseStep((_L.NONE,), _L.HELD, "claimed", "the task", "A claim makes a run, an epoch, and a key good for both"),
    LeaseStep((_L.HELD,), _L.HELD, "renewed", "the API and the gateway", "A beat, or any byte that goes through"),
    LeaseStep((_L.HELD,), _L.SUSPECTED, "silent", "the engine's timer", "Nothing was heard for TTL and grace"),
    LeaseStep(
        (_L.SUSPECTED,), _L.HELD, "renewed", "`confirm_loss`",
        "It was heard elsewhere, it waits or is paused, or one of our own processes was away: the same epoch goes on",
    ),
    LeaseStep((_L.SUSPECTED,), _L.LOST, "lost", "`confirm_loss`", "Nothing was heard though all of ours was there"),
    LeaseStep((_L.LOST,), _L.HELD, "resumed", "the task", "Its agent is back before anybody took over"),
    LeaseStep((_L.LOST,), _L.RELEASED, "released", "the agent", "It is back with its work before anybody took over"),
    LeaseStep(_ACTING, _L.RELEASED, "released", "the agent", "It submits, fails, or gives the task back"),
    LeaseStep(
        _ACTING, _L.REVOKED, "revoked", "a person",
        "Reassigned, restarted, taken back or closed: the key is dead at the gateway within a second",
    ),
    LeaseStep((_L.LOST,), _L.REVOKED, "revoked", "the task", "Another run, or a person's decision, has the next epoch"),
)  # fmt: skip

_LEASE_OF: dict[RunState, LeaseState] = {
    **dict.fromkeys(_LIVE, LeaseState.HELD),
    **dict.fromkeys((_R.SUBMITTED, _R.ACCEPTED, _R.REJECTED, _R.RELEASED, _R.FAILED), LeaseState.RELEASED),
    **dict.fromkeys((_R.CANCELLED, _R.SUPERSEDED, _R.LOST), LeaseState.REVOKED),
}


def lease_of(state: TaskState, run: Run | None) -> LeaseState:
    """How the lease of one of the task's runs stands, as far as its state tells: suspicion is the engine's."""
    if run is None:
        return LeaseState.NONE
    resumable = state.resumable_run
    if resumable is not None and resumable.run_id == run.run_id:
        return LeaseState.LOST
    return _LEASE_OF[run.state]


def is_lease_step(origin: LeaseState, to: LeaseState) -> bool:
    """Does the table lead there? A suspicion that SQL never sees may lie in between."""
    origins = {origin, LeaseState.SUSPECTED} if origin is LeaseState.HELD else {origin}
    return any(row.to is to and origins & set(row.origins) for row in LEASE_STEPS)
