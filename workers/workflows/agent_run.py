"""One run of an agent that lives in our workers: ask the model, make the tool calls it wants, until it answers.

Started by the dispatcher once the task is claimed. Killed at any point it goes on where it was: each call is an
activity with an idempotency key of its own, so that a repeated one is answered from the gateway's record, paid once.

While a person holds the run, its next call waits at the gateway, is sent away after ten minutes and asked again, with
the same key and for as long as it takes. Such a wait ends no run, and a long one continues as new.
"""

from datetime import timedelta
from typing import Any, TypeVar

from msgspec.structs import replace
from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from workers.agent_messages import (
        CALL_MODEL,
        CALL_TOOL,
        FAIL_RUN,
        OPEN_TRANSCRIPT,
        RUN_PAUSED,
        RUN_REVOKED,
        SUBMIT_ANSWER,
        AgentRunStart,
        AnswerStep,
        Failure,
        ModelStep,
        ModelTurn,
        Position,
        ToolStep,
    )

ONE_TRY = timedelta(minutes=11)  # the gateway gives a provider ten
ALL_TRIES = timedelta(minutes=30)
PATIENTLY = RetryPolicy(initial_interval=timedelta(seconds=1), maximum_interval=timedelta(seconds=30))

Result = TypeVar("Result")


@workflow.defn(name="AgentRun")
class AgentRunWorkflow:
    """Its workflow id is `run/<run id>`."""

    @workflow.run
    async def run(self, start: AgentRunStart) -> str:
        """How it ended: submitted, revoked, or the reason of its failure."""
        try:
            return await self._work(start)
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            cause = error.cause
            if isinstance(cause, ApplicationError) and cause.type == RUN_REVOKED:
                return "revoked"
            return await self._fail(start, "call_failed", str(cause))

    async def _work(self, start: AgentRunStart) -> str:
        at = start.position or Position(await self._do(start, OPEN_TRANSCRIPT, start, str))
        while at.step <= start.max_steps:
            here = replace(start, position=at)
            if at.is_models_turn:
                turn = await self._do(here, CALL_MODEL, ModelStep(start, at.transcript, at.step), ModelTurn)
                if turn.tool_calls == 0:
                    await self._do(here, SUBMIT_ANSWER, AnswerStep(start, turn.transcript), int)
                    return "submitted"
                at = Position(turn.transcript, at.step, turn.tool_calls)
            else:
                wanted = ToolStep(start, at.transcript, at.step, at.next_tool)
                at = at.after_tool(await self._do(here, CALL_TOOL, wanted, str))
        return await self._fail(start, "budget", f"No answer after {start.max_steps} steps.")

    async def _fail(self, start: AgentRunStart, reason: str, message: str) -> str:
        await self._do(start, FAIL_RUN, Failure(start, reason, message[:500]), bool)
        return reason

    async def _do(self, here: AgentRunStart, activity: str, argument: Any, result_type: type[Result]) -> Result:
        """`here` is where a successor would go on: at this very activity, with the same idempotency key."""
        while True:
            try:
                return await self._try(here, activity, argument, result_type)
            except ActivityError as error:
                if not _is_paused(error):
                    raise
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(here)

    async def _try(self, start: AgentRunStart, activity: str, argument: Any, result_type: type[Result]) -> Result:
        result: Result = await workflow.execute_activity(
            activity,
            argument,
            result_type=result_type,
            start_to_close_timeout=ONE_TRY,
            schedule_to_close_timeout=ALL_TRIES,
            heartbeat_timeout=start.silence,
            retry_policy=PATIENTLY,
        )
        return result


def _is_paused(error: ActivityError) -> bool:
    return isinstance(error.cause, ApplicationError) and error.cause.type == RUN_PAUSED
