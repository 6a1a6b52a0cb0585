"""What a run may do: everything here is fenced by run and epoch, but for the claim that makes them."""

from pointsman.contract import ErrorCode

from controlplane.domain import events as happened
from controlplane.domain.commands import (
    AskQuestion,
    ClaimTask,
    Envelope,
    FailRun,
    LoseRun,
    ReleaseRun,
    ResumeRun,
    SubmitDeliverable,
)
from controlplane.domain.events import Event
from controlplane.domain.human_causes import sentence_of
from controlplane.domain.refusals import Refused, refused
from controlplane.domain.state import (
    FAILURES_BEFORE_HUMAN,
    WAITING,
    WAKES_PER_HOUR,
    HoldKind,
    HumanCause,
    Run,
    RunState,
    TaskState,
)

RunCommand = ReleaseRun | FailRun | LoseRun | ResumeRun | SubmitDeliverable | AskQuestion

HOUR_MS = 3_600_000
ANSWER_KINDS = frozenset({"text", "choice", "form", "approval"})
LONGEST_WAIT_SECONDS = 30 * 86_400.0  # for an answer; the engine keeps what is open for at least as long


def claim(state: TaskState, envelope: Envelope, command: ClaimTask) -> tuple[Event, ...]:
    if state.is_blocked:
        raise refused(
            ErrorCode.TASK_BLOCKED, f"T-{state.number} waits for other tasks.", blockers=list(state.open_blockers)
        )
    if state.agent_id is not None and state.agent_id != command.agent_id:
        raise refused(ErrorCode.FORBIDDEN, f"T-{state.number} is assigned to another agent.", agent_id=state.agent_id)
    if state.holds:
        why = "; ".join(hold.reason or hold.kind.value for hold in state.holds.values())
        raise refused(ErrorCode.TASK_HELD, f"T-{state.number} is held: {why}.", holds=list(state.holds))
    if not state.is_claimable:
        raise refused(
            ErrorCode.ILLEGAL_TRANSITION,
            f"T-{state.number} cannot be claimed: {state.needs_human or 'another agent holds it'}.",
        )
    if command.agent_id in state.avoids:
        raise refused(
            ErrorCode.ILLEGAL_TRANSITION, f"This agent fell silent on T-{state.number} twice; another one should try."
        )
    if any(run.run_id == command.run_id for run in state.runs):
        raise refused(ErrorCode.ILLEGAL_TRANSITION, "The id of a run is used once.", field="run_id")
    return (
        happened.RunStarted(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=command.run_id,
            number=state.run_count + 1,
            epoch=state.epoch + 1,
            agent_id=command.agent_id,
            silence_seconds=command.silence_seconds,
        ),
    )


def release(state: TaskState, envelope: Envelope, command: ReleaseRun) -> tuple[Event, ...]:
    run = _holder(state, command)
    ended = _run_ended(envelope, run, RunState.RELEASED, command.reason, "")
    if not command.waits_for:
        return (ended, *_human_after_wakes(state, envelope))
    held = happened.TaskHeld(
        at_ms=envelope.at_ms, actor=envelope.actor, hold=HoldKind.EXTERNAL, reason=command.waits_for
    )
    return (ended, held)


def fail_run(state: TaskState, envelope: Envelope, command: FailRun) -> tuple[Event, ...]:
    run = _holder(state, command)
    ended = _run_ended(envelope, run, RunState.FAILED, command.reason, command.message)
    return (ended, *_human_after_failures(state, envelope))


def lose_run(state: TaskState, envelope: Envelope, command: LoseRun) -> tuple[Event, ...]:
    run = _holder(state, command)
    if run.state in WAITING and not command.though_waiting:  # it began to wait while its silence was judged
        raise refused(ErrorCode.ILLEGAL_TRANSITION, "Its run waits, and needs no sign of life for it.")
    ended = _run_ended(envelope, run, RunState.LOST, "silence", command.message)
    return (ended, *(_human_after_failures(state, envelope) or _after_second_loss(state, envelope, run, command)))


def _after_second_loss(state: TaskState, envelope: Envelope, run: Run, command: LoseRun) -> tuple[Event, ...]:
    before = state.runs[-2] if len(state.runs) > 1 else None
    if before is None or before.state is not RunState.LOST or before.agent_id != run.agent_id:
        return ()
    if (before.ended_at_ms or 0) <= state.helped_at_ms:
        return ()
    avoided = happened.AgentAvoided(at_ms=envelope.at_ms, actor=envelope.actor, agent_id=run.agent_id)
    if state.agent_id != run.agent_id and command.others_are_able:
        return (avoided,)
    return (avoided, _human_needed(envelope, HumanCause.LOST_TWICE))


def _human_after_failures(state: TaskState, envelope: Envelope) -> tuple[Event, ...]:
    failures = state.failures + 1
    if failures < FAILURES_BEFORE_HUMAN:
        return _human_after_wakes(state, envelope)
    return (_human_needed(envelope, HumanCause.FAILURES, failures),)


def _human_after_wakes(state: TaskState, envelope: Envelope) -> tuple[Event, ...]:
    """A task that is begun again and again gets nowhere, even if no attempt calls itself a failure."""
    since_ms = max(envelope.at_ms - HOUR_MS, state.helped_at_ms)
    begun = sum(run.started_at_ms > since_ms for run in state.runs)
    return (_human_needed(envelope, HumanCause.WAKES, begun),) if begun >= WAKES_PER_HOUR else ()


def _human_needed(envelope: Envelope, cause: HumanCause, count: int = 0) -> Event:
    sentence = sentence_of(cause, count)
    return happened.HumanNeeded(at_ms=envelope.at_ms, actor=envelope.actor, reason=sentence, cause=cause)


def resume_run(state: TaskState, envelope: Envelope, command: ResumeRun) -> tuple[Event, ...]:
    live = state.live_run
    if live is not None and (live.run_id, live.epoch) == (command.run_id, command.epoch):
        return ()
    return (_resumed(envelope, _resumable(state, command)),)


def _resumable(state: TaskState, command: RunCommand) -> Run:
    run = state.resumable_run
    if run is None or run.run_id != command.run_id or run.epoch != command.epoch:
        raise lease_lost(state, command)
    return run


def _resumed(envelope: Envelope, run: Run) -> Event:
    return happened.RunResumed(at_ms=envelope.at_ms, actor=envelope.actor, run_id=run.run_id, agent_id=run.agent_id)


def submit(state: TaskState, envelope: Envelope, command: SubmitDeliverable) -> tuple[Event, ...]:
    """By the run that holds the task, or by one that was lost while nobody else took over: its work is welcome."""
    back: tuple[Event, ...] = ()
    if state.live_run is None:
        run = _resumable(state, command)
        back = (_resumed(envelope, run),)
    else:
        run = _holder(state, command)
    last = state.deliverables[-1].version if state.deliverables else 0
    submitted = happened.DeliverableSubmitted(
        at_ms=envelope.at_ms,
        actor=envelope.actor,
        run_id=run.run_id,
        agent_id=run.agent_id,
        version=last + 1,
        sha256=command.sha256,
        size_bytes=command.size_bytes,
        format=command.format,
        title=command.title,
        name=command.name,
        media_type=command.media_type,
        language=command.language,
    )
    return (*back, submitted)


def ask(state: TaskState, envelope: Envelope, command: AskQuestion) -> tuple[Event, ...]:
    run = _holder(state, command)
    if state.question is not None and state.question.is_open:
        raise refused(ErrorCode.ILLEGAL_TRANSITION, "This run waits for an answer already.")
    _check_question(command)
    seconds = command.expires_in_seconds
    return (
        happened.QuestionAsked(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=run.run_id,
            question_id=command.question_id,
            text=command.text,
            answer_kind=command.answer_kind,
            choices=command.choices,
            form=command.form,
            expires_at_ms=None if seconds is None else envelope.at_ms + int(seconds * 1000),
        ),
    )


def _check_question(command: AskQuestion) -> None:
    if command.answer_kind not in ANSWER_KINDS:
        raise refused(ErrorCode.INVALID_REQUEST, "An answer is a text, a choice, a form or an approval.", field="kind")
    if command.answer_kind == "choice" and len(set(command.choices)) < len(command.choices or ("",)):
        raise refused(ErrorCode.INVALID_REQUEST, "A choice needs choices, each of them once.", field="choices")
    if command.answer_kind == "form" and command.form.get("type") != "object":
        raise refused(ErrorCode.INVALID_REQUEST, "A form is the JSON Schema of an object.", field="form")
    seconds = command.expires_in_seconds
    if seconds is not None and not 1 <= seconds <= LONGEST_WAIT_SECONDS:
        raise refused(
            ErrorCode.INVALID_REQUEST, "A question expires after a second at least, a month at most.", field="expires"
        )


def end_live_run(
    state: TaskState, envelope: Envelope, outcome: RunState, reason: str, why: str = ""
) -> tuple[Event, ...]:
    """The event by which a person's decision ends a run; none when nobody is at work.

    `why` is what the person said about it: the next agent reads it in the hand-off.
    """
    run = state.live_run
    said = f"{reason}: {why}" if why else reason
    return () if run is None else (_run_ended(envelope, run, outcome, said, ""),)


def _run_ended(envelope: Envelope, run: Run, outcome: RunState, reason: str, message: str) -> Event:
    return happened.RunEnded(
        at_ms=envelope.at_ms,
        actor=envelope.actor,
        run_id=run.run_id,
        agent_id=run.agent_id,
        state=outcome,
        reason=reason,
        message=message,
    )


def _holder(state: TaskState, command: RunCommand) -> Run:
    run = state.live_run
    if run is None or run.run_id != command.run_id or run.epoch != command.epoch:
        raise lease_lost(state, command)
    return run


def lease_lost(state: TaskState, command: object) -> Refused:
    owner = state.live_run
    mine = next((run for run in state.runs if run.run_id == getattr(command, "run_id", "")), None)
    holder = f"agent {owner.agent_id} holds it" if owner else "nobody holds it"
    return refused(
        ErrorCode.LEASE_LOST,
        f"This run no longer holds T-{state.number}; {holder}.",
        current_agent_id=owner.agent_id if owner else None,
        current_epoch=state.epoch,
        your_run_state=mine.state if mine else None,
    )


def once_held(state: TaskState, command: object) -> bool:
    """Did the sender once hold this task? Then its lease is gone: an answer more honest than that the verb is odd."""
    return isinstance(command, RunCommand) and any(run.run_id == command.run_id for run in state.runs)
