"""A live run's lease, as the activity that the agent's beats keep alive.

| the run …                       | its activity                                                            |
|---------------------------------|-------------------------------------------------------------------------|
| works                           | pending; when it ends by silence, `confirm_loss` decides                |
| waits, is paused or frozen      | left as it is; when it ends by silence nobody minds, none is armed      |
| goes on                         | armed if it had ended; else its silence counts from now                 |
| has ended, or another one began | cancelled                                                               |

It is never cancelled for a pause: until it had timed out, Temporal would refuse another one of the same name, which the
beats go to.
"""

import asyncio
from datetime import timedelta

from temporalio import workflow
from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError

with workflow.unsafe.imports_passed_through():
    from controlplane.domain.commands import LoseRun
    from controlplane.domain.state import Run, RunState
    from workers.messages import (
        CONFIRM_LOSS,
        HOLD_LEASE,
        LeaseHeld,
        LeaseTerms,
        SilenceSuspected,
        SilenceVerdict,
    )

WAITING_NEEDS_NO_BEATS = "waiting-needs-no-beats"  # patch of 2026-11
# A worker that was killed reports nothing: after so long another one tries. What is asked with it is idempotent.
ONE_TRY = timedelta(seconds=10)
UNTIL_IT_WORKS = RetryPolicy(initial_interval=timedelta(seconds=0.2), maximum_interval=timedelta(seconds=30))
ONCE = RetryPolicy(maximum_attempts=1)


class Lease:
    """At most one activity, for the live run. The id of a task that is not open yet comes with its first run."""

    def __init__(self, terms: LeaseTerms) -> None:
        self._terms = terms
        self._run: Run | None = None
        self._task_id = ""
        self._held: workflow.ActivityHandle[None] | None = None
        self._since_ms = 0

    @property
    def has_ended(self) -> bool:
        """Somebody must judge what that means."""
        return self._held is not None and self._held.done()

    def follow(self, task_id: str, run: Run | None) -> None:
        """Told of the live run after each change of the task."""
        before, self._run, self._task_id = self._run, run, task_id
        goes_on = before is not None and run is not None and before.epoch == run.epoch
        if not goes_on:
            self._drop()
        if run is None:
            return
        if run.state is RunState.RUNNING and not (goes_on and before is not None and before.state is RunState.RUNNING):
            self._since_ms = int(workflow.now().timestamp() * 1000)
        if self._held is None and not self._waits(run):
            self._held = self._arm(run)

    async def judge(self) -> LoseRun | None:
        """What the end of its activity means: nothing, a new one, or that the run is lost."""
        silent, run = self._held, self._run
        if silent is None:
            return None
        if run is None or silent.cancelled() or not isinstance(silent.exception(), ActivityError) or self._waits(run):
            self._held = None
            return None
        verdict = await workflow.execute_activity(
            CONFIRM_LOSS,
            SilenceSuspected(run.run_id, self._silence_of(run).total_seconds(), self._since_ms),
            result_type=SilenceVerdict,
            start_to_close_timeout=ONE_TRY,
            retry_policy=UNTIL_IT_WORKS,
        )
        run = self._run
        if self._held is not silent or run is None:  # it ended while we asked
            return None
        if self._waits(run):
            self._held = None
        elif verdict.is_lost:
            self._held = None
            though_waiting = run.state is not RunState.RUNNING  # an execution of before the patch
            return LoseRun(run.run_id, run.epoch, verdict.reason, verdict.others_are_able, though_waiting)
        else:
            self._held = self._arm(run)
        return None

    def _waits(self, run: Run) -> bool:
        return run.state is not RunState.RUNNING and workflow.patched(WAITING_NEEDS_NO_BEATS)

    def _silence_of(self, run: Run) -> timedelta:
        """An agent that a cron job wakes is heard of seldom, and says so when it claims."""
        return self._terms.silence if run.silence_seconds is None else timedelta(seconds=run.silence_seconds)

    def _arm(self, run: Run) -> workflow.ActivityHandle[None]:
        handle: workflow.ActivityHandle[None] = workflow.start_activity(
            HOLD_LEASE,
            LeaseHeld(self._task_id, run.run_id, run.epoch),
            activity_id=f"lease-{run.epoch}",
            heartbeat_timeout=self._silence_of(run),
            start_to_close_timeout=timedelta(days=365),  # required by Temporal; only silence ends a lease
            retry_policy=ONCE,
        )
        handle.add_done_callback(_look_at)
        return handle

    def _drop(self) -> None:
        if self._held is not None:
            self._held.cancel()
            self._held = None


def _look_at(ended: "asyncio.Task[None]") -> None:
    """A lease that was cancelled with its run is nobody's error; asyncio complains of one that nobody looked at."""
    if not ended.cancelled():
        ended.exception()
