"""A task engine in memory: the real `decide` and `apply`, without Temporal. For tests of what stands above it."""

from dataclasses import dataclass, field

from controlplane.domain.commands import Envelope
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.evolve import apply
from controlplane.domain.state import TaskState
from controlplane.ports import Applied, EngineUnavailable


@dataclass
class MemoryEngine:
    """Holds tasks in a dictionary. `is_away` makes it unreachable; `is_deaf` makes it apply, but not answer in time."""

    tasks: dict[str, TaskState] = field(default_factory=dict)
    beats: list[tuple[str, int]] = field(default_factory=list)
    commands: list[Envelope] = field(default_factory=list)
    is_away: bool = False
    is_deaf: bool = False

    async def execute(self, task_id: str, envelope: Envelope) -> Applied | Refusal:
        if self.is_away:
            raise EngineUnavailable("away")
        self.commands.append(envelope)
        state = self.tasks.get(task_id)
        outcome = decide(state, envelope)
        if isinstance(outcome, Refusal):
            return outcome
        after = apply(state, envelope, outcome)
        self.tasks[task_id] = after
        if self.is_deaf:
            raise EngineUnavailable("deaf")
        return Applied(after, outcome, execution_id=f"execution-of-{task_id}", command_id=envelope.command_id)

    async def snapshot(self, task_id: str) -> TaskState | None:
        return self.tasks.get(task_id)

    async def beat(self, task_id: str, epoch: int) -> None:
        if self.is_away:
            raise EngineUnavailable("away")
        self.beats.append((task_id, epoch))
