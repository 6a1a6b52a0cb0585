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
    SubmitDeliverable,
)
from controlplane.domain.events import Event
from controlplane.domain.refusals import Refused, refused
from controlplane.domain.state import FAILURES_BEFORE_HUMAN, Run, RunState, TaskState

RunCommand = ReleaseRun | FailRun | LoseRun | SubmitDeliverable | AskQuestion


def claim(state: TaskState, envelope: Envelope, command: ClaimTask) -> tuple[Event, ...]:
    if state.is_blocked:
        raise refused(
            ErrorCode.TASK_BLOCKED, f"T-{state.number} waits for other tasks.", blockers=list(state.open_blockers)
        )
    if state.agent_id is not None and state.agent_id != command.agent_id:
        raise refused(ErrorCode.FORBIDDEN, f"T-{state.number} is assigned to another agent.", agent_id=state.agent_id)
    if not state.is_claimable:
        raise refused(
            ErrorCode.ILLEGAL_TRANSITION,
            f"T-{state.number} cannot be claimed: {state.needs_human or 'another agent holds it'}.",
        )
    return (
        happened.RunStarted(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=command.run_id,
            number=state.run_count + 1,
            epoch=state.epoch + 1,
            agent_id=command.agent_id,
        ),
    )


def release(state: TaskState, envelope: Envelope, command: ReleaseRun) -> tuple[Event, ...]:
    run = _holder(state, command)
    return (_run_ended(envelope, run, RunState.RELEASED, command.reason, ""),)


def fail_run(state: TaskState, envelope: Envelope, command: FailRun) -> tuple[Event, ...]:
    run = _holder(state, command)
    ended = _run_ended(envelope, run, RunState.FAILED, command.reason, command.message)
    return (ended, *_human_after_failures(state, envelope))


def lose_run(state: TaskState, envelope: Envelope, command: LoseRun) -> tuple[Event, ...]:
    run = _holder(state, command)
    ended = _run_ended(envelope, run, RunState.LOST, "silence", command.message)
    return (ended, *_human_after_failures(state, envelope))


def _human_after_failures(state: TaskState, envelope: Envelope) -> tuple[Event, ...]:
    failures = state.failures + 1
    if failures < FAILURES_BEFORE_HUMAN:
        return ()
    return (
        happened.HumanNeeded(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            reason=f"{failures} runs failed in a row. Assign it, or edit it.",
        ),
    )


def submit(state: TaskState, envelope: Envelope, command: SubmitDeliverable) -> tuple[Event, ...]:
    run = _holder(state, command)
    last = state.deliverables[-1].version if state.deliverables else 0
    return (
        happened.DeliverableSubmitted(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=run.run_id,
            agent_id=run.agent_id,
            version=last + 1,
            sha256=command.sha256,
            size_bytes=command.size_bytes,
            format=command.format,
            title=command.title,
        ),
    )


def ask(state: TaskState, envelope: Envelope, command: AskQuestion) -> tuple[Event, ...]:
    run = _holder(state, command)
    if run.state is RunState.WAITING_INPUT:
        raise refused(ErrorCode.ILLEGAL_TRANSITION, "This run waits for an answer already.")
    return (
        happened.QuestionAsked(
            at_ms=envelope.at_ms,
            actor=envelope.actor,
            run_id=run.run_id,
            question_id=command.question_id,
            text=command.text,
        ),
    )


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
