"""Who may say yes to a task's deliverable, who has, and what was asked before the verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from controlplane.domain.review_rules import missing_approvals
from controlplane.domain.state import REJECTIONS_BEFORE_HUMAN, ActorKind, TaskState, TaskStatus
from controlplane.queries.activity import ActivityItem


@dataclass(frozen=True, slots=True)
class Seat:
    """One who is asked, and what they said of the latest version. `verdict` is empty until they have spoken."""

    actor_id: str
    name: str
    is_agent: bool
    verdict: str = ""
    note: str = ""
    at_ms: int = 0
    is_first_pass: bool = False
    is_author: bool = False  # nobody reviews what they made themselves


@dataclass(frozen=True, slots=True)
class ReviewView:
    """The rule, its seats and how far it has come. `problem` says why nobody can finish it, and what to do."""

    rule: str
    needed: int
    given: int
    seats: tuple[Seat, ...]
    problem: str
    rejections: int
    rejections_left: int
    is_open_to_all: bool  # no reviewers are named: any person may approve
    thread: tuple[ActivityItem, ...]

    def seat_of(self, actor_id: str) -> Seat | None:
        """The seat of one person or agent; the first pass is none that decides."""
        return next((seat for seat in self.seats if seat.actor_id == actor_id and not seat.is_first_pass), None)

    def may(self, actor_id: str) -> bool:
        """Whether this person's verdict counts."""
        return self.is_open_to_all or self.seat_of(actor_id) is not None

    @property
    def approvers(self) -> str:
        """Those whose yes counts, as one reads them: `Anna, Ben or QA`."""
        return _either([seat.name for seat in self.seats if not seat.is_first_pass])

    @property
    def missing_from(self) -> str:
        """Whose yes it waits for: those who count and have not given it."""
        if self.is_open_to_all:
            return "a person's yes"
        silent = [seat for seat in self.seats if not seat.is_first_pass and seat.verdict != "approve"]
        return f"a yes of {_either([seat.name for seat in silent if not seat.is_author])}"


def review_of(state: TaskState, problem: str, activity: Sequence[ActivityItem]) -> ReviewView:
    """The review of a task's latest version, from its state; the thread from its activity."""
    rule = state.review
    missing = missing_approvals(state)
    return ReviewView(
        rule=_rule(len(rule.reviewers), rule.needed),
        needed=rule.needed,
        given=max(0, rule.needed - missing),
        seats=_seats(state),
        problem=problem,
        rejections=state.rejections,
        rejections_left=max(0, REJECTIONS_BEFORE_HUMAN - state.rejections),
        is_open_to_all=not rule.reviewers,
        thread=_thread(state, activity),
    )


def _either(names: Sequence[str]) -> str:
    return " or ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "nobody"


def _rule(seats: int, needed: int) -> str:
    if not seats:
        return "Any person approves" if needed == 1 else f"Any {needed} people approve"
    if seats == 1:
        return "One reviewer approves"
    if needed == seats:
        return f"All {seats} approve"
    return f"Any of {seats} approves" if needed == 1 else f"{needed} of {seats} approve"


def _seats(state: TaskState) -> tuple[Seat, ...]:
    said = {one.reviewer.id: one for one in state.verdicts}
    rule = state.review
    first = ((rule.first_pass, True),) if rule.first_pass else ()
    named = [*first, *((actor, False) for actor in rule.reviewers)]
    known = {actor.id for actor, _ in named}
    # Where anybody may approve, those who did take their seat by it.
    named += [(one.reviewer, False) for one in state.verdicts if one.reviewer.id not in known]
    seats = []
    for actor, is_first_pass in named:
        verdict = said.get(actor.id)
        seats.append(
            Seat(
                actor_id=actor.id,
                name=actor.name or actor.id,
                is_agent=actor.kind is ActorKind.AGENT,
                verdict=verdict.verdict if verdict else "",
                note=verdict.note if verdict else "",
                at_ms=verdict.at_ms if verdict else 0,
                is_first_pass=is_first_pass,
                is_author=actor.id == state.author_id,
            )
        )
    return tuple(seats)


def _thread(state: TaskState, activity: Sequence[ActivityItem]) -> tuple[ActivityItem, ...]:
    """What reviewers asked about the latest version, and what was said since the first of it; oldest first."""
    if state.status is not TaskStatus.IN_REVIEW or not state.deliverables:
        return ()
    version = state.deliverables[-1].version
    told = [item for item in activity if item.kind in {"clarification_asked", "comment"}][::-1]
    begun = next(
        (place for place, item in enumerate(told) if item.body.get("version") == version and not item.text), None
    )
    return tuple(told[begun:]) if begun is not None else ()
