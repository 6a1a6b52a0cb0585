"""Who may say yes to a deliverable, how often it must be said, and what a no or a question means.

A rule names reviewers and how many of them must approve: one of them is *any*, as many as there are is *all*. One no is
enough to send it back. An agent may review, but never what it made itself.
"""

from msgspec.structs import replace
from pointsman.contract import ErrorCode

from controlplane.domain import events as happened
from controlplane.domain.commands import AdoptLate, Envelope, ReviewDeliverable, SetReview
from controlplane.domain.events import Event
from controlplane.domain.human_causes import sentence_of
from controlplane.domain.refusals import Refused, refused
from controlplane.domain.run_rules import end_live_run
from controlplane.domain.state import (
    MAX_REVIEWERS,
    REJECTIONS_BEFORE_HUMAN,
    Actor,
    ActorKind,
    HumanCause,
    ReviewRule,
    RunState,
    TaskState,
    TaskStatus,
)


def review(state: TaskState, envelope: Envelope, command: ReviewDeliverable) -> tuple[Event, ...]:
    version = state.deliverables[-1].version
    if command.version != version:
        raise refused(
            ErrorCode.ILLEGAL_TRANSITION,
            f"You reviewed version {command.version}, but version {version} is there by now. Look at it first.",
            version=version,
        )
    if not may_review(state, envelope.actor):
        raise _not_yours(state, envelope.actor)
    if command.verdict == "approve":
        return _approve(state, envelope, version, command.note)
    if command.verdict not in {"request_changes", "ask"}:
        raise refused(ErrorCode.INVALID_REQUEST, "A verdict is 'approve', 'request_changes' or 'ask'.", field="verdict")
    if not command.note.strip():
        wanted = "should change" if command.verdict == "request_changes" else "you want to know"
        raise refused(ErrorCode.INVALID_REQUEST, f"Say what {wanted}.", field="note")
    if command.verdict == "ask":
        asked = happened.ClarificationAsked(
            at_ms=envelope.at_ms, actor=envelope.actor, version=version, text=command.note
        )
        return (asked,)
    return _request_changes(state, envelope, version, command.note)


def may_review(state: TaskState, actor: Actor) -> bool:
    """Whether this person's or agent's verdict counts."""
    rule = state.review
    if actor.kind is ActorKind.AGENT:
        asked = {reviewer.id for reviewer in rule.reviewers} | ({rule.first_pass.id} if rule.first_pass else set())
        return actor.id in asked and actor.id != state.author_id
    return not rule.reviewers or any(reviewer.id == actor.id for reviewer in rule.reviewers)


def missing_approvals(state: TaskState) -> int:
    """How many more must say yes to the latest version."""
    return max(0, state.review.needed - len(_approvers(state)))


def waits_for_first_pass(state: TaskState) -> bool:
    """The agent that looks before people are called has not said yes yet."""
    first = state.review.first_pass
    if first is None or first.id == state.author_id:
        return False
    return not any(one.verdict == "approve" and one.reviewer.id == first.id for one in state.verdicts)


def _approvers(state: TaskState) -> set[str]:
    """First passes of agents that are no reviewers do not count."""
    named = {reviewer.id for reviewer in state.review.reviewers}
    return {
        one.reviewer.id
        for one in state.verdicts
        if one.verdict == "approve"
        and (one.reviewer.id in named or (not named and one.reviewer.kind is ActorKind.PERSON))
    }


def _approve(state: TaskState, envelope: Envelope, version: int, note: str) -> tuple[Event, ...]:
    actor = envelope.actor
    if any(one.reviewer.id == actor.id and one.verdict == "approve" for one in state.verdicts):
        return ()
    is_named = any(reviewer.id == actor.id for reviewer in state.review.reviewers)
    counts = is_named or (not state.review.reviewers and actor.kind is ActorKind.PERSON)
    if counts and missing_approvals(state) <= 1:
        return (happened.DeliverableApproved(at_ms=envelope.at_ms, actor=actor, version=version, note=note),)
    given = happened.ApprovalGiven(
        at_ms=envelope.at_ms, actor=actor, version=version, note=note, is_first_pass=not counts
    )
    return (given,)


def _request_changes(state: TaskState, envelope: Envelope, version: int, note: str) -> tuple[Event, ...]:
    sent_back = happened.ChangesRequested(at_ms=envelope.at_ms, actor=envelope.actor, version=version, note=note)
    rejections = state.rejections + 1
    if rejections < REJECTIONS_BEFORE_HUMAN:
        return (sent_back,)
    sentence = sentence_of(HumanCause.REJECTIONS, rejections)
    needed = happened.HumanNeeded(
        at_ms=envelope.at_ms, actor=envelope.actor, reason=sentence, cause=HumanCause.REJECTIONS
    )
    return (sent_back, needed)


def _not_yours(state: TaskState, actor: Actor) -> Refused:
    if actor.id == state.author_id:
        return refused(ErrorCode.FORBIDDEN, "Nobody reviews what they made themselves.")
    names = [reviewer.name or reviewer.id for reviewer in state.review.reviewers]
    who = f"by {', '.join(names)}" if names else "by a person"
    return refused(ErrorCode.FORBIDDEN, f"T-{state.number} is to be reviewed {who}.", reviewers=names)


def set_review(state: TaskState, envelope: Envelope, command: SetReview) -> tuple[Event, ...]:
    check_review(command.review)
    if command.review == state.review:
        return ()
    changed = happened.ReviewSet(at_ms=envelope.at_ms, actor=envelope.actor, review=command.review)
    if state.status is not TaskStatus.IN_REVIEW or missing_approvals(replace(state, review=command.review)):
        return (changed,)
    enough = happened.TaskCompleted(
        at_ms=envelope.at_ms, actor=envelope.actor, reason="Enough had approved for the new rule."
    )
    return (changed, enough)


def check_review(rule: ReviewRule) -> None:
    """Raises Refused where a rule could never be satisfied by whomever it names."""
    ids = [reviewer.id for reviewer in rule.reviewers]
    if len(set(ids)) != len(ids):
        raise refused(ErrorCode.INVALID_REQUEST, "A reviewer is named once.", field="reviewers")
    if len(ids) > MAX_REVIEWERS:
        raise refused(ErrorCode.INVALID_REQUEST, f"A task has at most {MAX_REVIEWERS} reviewers.", field="reviewers")
    if rule.needed < 1 or (ids and rule.needed > len(ids)):
        raise refused(
            ErrorCode.INVALID_REQUEST,
            f"{rule.needed} of {len(ids)} reviewers cannot approve." if ids else "At least one must approve.",
            field="needed",
        )
    if rule.first_pass is not None and rule.first_pass.kind is not ActorKind.AGENT:
        raise refused(ErrorCode.INVALID_REQUEST, "The first pass is made by an agent.", field="first_pass")


def adopt_late(state: TaskState, envelope: Envelope, command: AdoptLate) -> tuple[Event, ...]:
    if any(one.run_id == command.run_id and one.sha256 == command.sha256 for one in state.deliverables):
        return ()
    last = state.deliverables[-1].version if state.deliverables else 0
    adopted = happened.DeliverableSubmitted(
        at_ms=envelope.at_ms,
        actor=envelope.actor,
        run_id=command.run_id,
        agent_id=command.agent_id,
        version=last + 1,
        sha256=command.sha256,
        size_bytes=command.size_bytes,
        format=command.format,
        title=command.title,
        name=command.name,
        media_type=command.media_type,
        language=command.language,
        is_late=True,
    )
    ended = end_live_run(state, envelope, RunState.SUPERSEDED, f"{envelope.actor.name} adopted what came late")
    return (*ended, adopted)
