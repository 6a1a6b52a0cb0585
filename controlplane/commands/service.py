"""The one service that pages, JSON API and our own agents ask."""

from controlplane.commands.agents import AgentCommands
from controlplane.commands.checkpoints import CheckpointCommands
from controlplane.commands.claims import ClaimCommands
from controlplane.commands.comments import CommentCommands
from controlplane.commands.recurring import RecurringCommands
from controlplane.commands.reviews import ReviewCommands
from controlplane.commands.runs import RunCommands
from controlplane.commands.teams import TeamCommands
from controlplane.domain.commands import AddBlockers, AssignTask, Command
from controlplane.domain.state import Actor, TaskState


class CommandService(
    RecurringCommands,
    ReviewCommands,
    CheckpointCommands,
    ClaimCommands,
    RunCommands,
    CommentCommands,
    AgentCommands,
    TeamCommands,
):
    """All verbs. Each is safe to repeat with the same command id."""

    async def execute(
        self,
        actor: Actor,
        command_id: str,
        task_ref: str,
        command: Command,
        workspace_id: str | None = None,
        expected_revision: int | None = None,
    ) -> TaskState:
        """Any command on an existing task, by `T-12` or `t_…`, with the checks that need more than the task itself."""
        match command:
            case AddBlockers(task_ids):
                return await self.add_blockers(actor, command_id, task_ref, task_ids, workspace_id)
            case AssignTask(agent_id, reason):
                return await self.assign(actor, command_id, task_ref, agent_id, workspace_id, reason, expected_revision)
        task = await self.find_task(task_ref, workspace_id)
        return await self.send(actor, command_id, task.task_id, command, expected_revision)
