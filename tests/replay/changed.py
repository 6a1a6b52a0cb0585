"""Workflows as somebody might change them without thinking of the tasks that are open: the gate must refuse each."""

from temporalio import workflow
from typing_extensions import override

from workers.agent_messages import AgentRunStart
from workers.messages import TaskStart
from workers.workflows.agent_run import AgentRunWorkflow
from workers.workflows.task import TaskWorkflow


@workflow.defn(name="Task")
class SilentTask(TaskWorkflow):
    """Tells nobody that it closed or was reopened."""

    @workflow.init
    def __init__(self, start: TaskStart) -> None:
        super().__init__(start)

    @workflow.run
    @override
    async def run(self, start: TaskStart) -> object:
        return await super().run(start)

    @override
    async def _notify_dependents(self, outcome: str) -> None:
        return


@workflow.defn(name="Task")
class LeaselessTask(TaskWorkflow):
    """Does not ask agents for beats any more."""

    @workflow.init
    def __init__(self, start: TaskStart) -> None:
        super().__init__(start)

    @workflow.run
    @override
    async def run(self, start: TaskStart) -> object:
        return await super().run(start)

    @override
    def _follow(self) -> None:
        self._expiry.follow(self._now.question)


@workflow.defn(name="AgentRun")
class ShortAgentRun(AgentRunWorkflow):
    """Submits nothing."""

    @workflow.run
    @override
    async def run(self, start: AgentRunStart) -> str:
        return "submitted"
