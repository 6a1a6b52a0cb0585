"""The deadline of an open question, as the one timer of a task: nobody's answer in time means no."""

import asyncio

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from controlplane.domain.commands import ExpireQuestion
    from controlplane.domain.state import Question

SOONEST_SECONDS = 0.001  # Temporal's shortest


class Expiry:
    """No timer without an open question that expires; a new question has a new one."""

    def __init__(self) -> None:
        self._question: Question | None = None
        self._timer: asyncio.Task[None] | None = None

    @property
    def is_due(self) -> bool:
        return self._timer is not None and self._timer.done()

    def follow(self, question: Question | None) -> None:
        """Told of the task's question after each change of the task."""
        if question is not None and (not question.is_open or question.expires_at_ms is None):
            question = None
        if question == self._question:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._question = question
        self._timer = _timer_of(question) if question is not None else None

    def take(self) -> ExpireQuestion:
        """What is due, once."""
        if self._question is None:
            raise ValueError("no question expires")
        self._timer = None
        return ExpireQuestion(self._question.question_id)


def _timer_of(question: Question) -> asyncio.Task[None]:
    return asyncio.create_task(_until(question), name="question")  # noqa: TID251 - the workflow looks at `is_due`


async def _until(question: Question) -> None:
    left_seconds = (question.expires_at_ms or 0) / 1000 - workflow.now().timestamp()
    # Always a timer, even if the time is over: of an `ask` that was said twice around a crash the history may keep the
    # second, which expires later, and a replay must not want a timer where there was none.
    await workflow.sleep(max(left_seconds, SOONEST_SECONDS), summary="a question expires")
