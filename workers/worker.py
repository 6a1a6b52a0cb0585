"""The two Temporal workers of this process: one for tasks, one for internal agents."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workers.activities.agents import AgentActivities
from workers.activities.tasks import TaskActivities
from workers.failures import FailureLog
from workers.messages import AGENT_QUEUE, TASK_QUEUE
from workers.workflows.agent_run import AgentRunWorkflow
from workers.workflows.task import TaskWorkflow

GRACE = timedelta(seconds=5)
# After a worker died, its cached workflows stall until this passes: Temporal's default is 10 s, a person waits less.
STICKY = timedelta(seconds=2)


def sandbox() -> SandboxedWorkflowRunner:
    """For the replay gate: refuses a workflow that reads a clock, a file or chance. Each gets its modules anew.

    Running workers do without: half of their CPU went to it (`bench/transitions.py`), and it would import modules anew
    from a checkout that was upgraded under it. What it refuses, it refuses in `tests/replay`.
    """
    return SandboxedWorkflowRunner(
        restrictions=SandboxRestrictions.default.with_passthrough_modules(
            "controlplane", "pointsman", "msgspec", "workers.messages", "workers.agent_messages"
        )
    )


def task_worker(client: Client, activities: TaskActivities) -> Worker:
    """Runs task workflows, and what they ask of SQL."""
    return Worker(
        client,
        task_queue=TASK_QUEUE,
        workflows=[TaskWorkflow],
        activities=_task_activities(activities),
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[FailureLog()],
        max_cached_workflows=1000,
        max_concurrent_activities=10,  # they wait in Temporal, not for the one writing connection
        sticky_queue_schedule_to_start_timeout=STICKY,
        graceful_shutdown_timeout=GRACE,
    )


def agent_worker(client: Client, activities: AgentActivities) -> Worker:
    """Runs internal agents: few, long, and never in the way of a task's projection."""
    return Worker(
        client,
        task_queue=AGENT_QUEUE,
        workflows=[AgentRunWorkflow],
        activities=[
            activities.open_transcript,
            activities.call_model,
            activities.call_tool,
            activities.submit_answer,
            activities.fail_run,
        ],
        workflow_runner=UnsandboxedWorkflowRunner(),
        interceptors=[FailureLog()],
        max_cached_workflows=100,
        max_concurrent_activities=20,
        sticky_queue_schedule_to_start_timeout=STICKY,
        graceful_shutdown_timeout=GRACE,
    )


def _task_activities(activities: TaskActivities) -> Sequence[Callable[..., Any]]:
    return [
        activities.project_task,
        activities.check_blockers,
        activities.notify_dependents,
        activities.hold_lease,
        activities.confirm_loss,
        activities.read_task,
    ]
