"""One run of an agent that lives in our workers: ask the model, make the tool calls it wants, until it answers.

Started by the dispatcher once the task is claimed. Killed at any point it goes on where it was: each call is an
activity with an idempotency key of its own, so that a repeated one is answered from the gateway's record, paid once.
"""

from datetime import timedelta
from typing import Any, TypeVar

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError, is_cancelled_exception

with workflow.unsafe.imports_passed_through():
    from workers.agent_messages import (
        CALL_MODEL,
        CALL_TOOL,
        FAIL_RUN,
        OPEN_TRANSCRIPT,
        RUN_REVOKED,
        SUBMIT_ANSWER,
        AgentRunStart,
        AnswerStep,
        Failure,
        ModelStep,
        ModelTurn,
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
        transcript = await self._do(start, OPEN_TRANSCRIPT, start, str)
        for step in range(1, start.max_steps + 1):
            turn = await self._do(start, CALL_MODEL, ModelStep(start, transcript, step), ModelTurn)
            transcript = turn.transcript
            if turn.tool_calls == 0:
                await self._do(start, SUBMIT_ANSWER, AnswerStep(start, transcript), int)
                return "submitted"
            for index in range(turn.tool_calls):
                transcript = await self._do(start, CALL_TOOL, ToolStep(start, transcript, step, index), str)
        return await self._fail(start, "budget", f"No answer after {start.max_steps} steps.")

    async def _fail(self, start: AgentRunStart, reason: str, message: str) -> str:
        await self._do(start, FAIL_RUN, Failure(start, reason, message[:500]), bool)
        return reason

    async def _do(self, start: AgentRunStart, activity: str, argument: Any, result_type: type[Result]) -> Result:
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
