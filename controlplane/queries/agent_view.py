"""An agent as the fleet shows it: how it is, what it has in its hands, and where it stands in the list."""

from dataclasses import dataclass

from controlplane.domain.agent_status import AgentStatus, StatusSeen
from controlplane.domain.state import RunState
from controlplane.queries.card import Plate
from controlplane.queries.costs import TaskCosts
from controlplane.queries.signals import Signal

SIGNALS_OF = {
    AgentStatus.PAUSED: Signal.PAUSED,
    AgentStatus.OFFLINE: Signal.OFFLINE,
    AgentStatus.STUCK: Signal.STUCK,
    AgentStatus.WAITING_HUMAN: Signal.HUMAN,
    AgentStatus.BLOCKED: Signal.BLOCKED,
    AgentStatus.WORKING: Signal.WORKING,
    AgentStatus.IDLE: Signal.IDLE,
    AgentStatus.STARTING: Signal.QUEUED,
}
_WORDS = {AgentStatus.WAITING_HUMAN: "Needs you"}
# Who needs a person first; of the others those at work.
_ORDER = (
    *(AgentStatus.STUCK, AgentStatus.WAITING_HUMAN, AgentStatus.OFFLINE, AgentStatus.BLOCKED, AgentStatus.PAUSED),
    *(AgentStatus.WORKING, AgentStatus.STARTING, AgentStatus.IDLE),
)
KINDS = ("attention", "working", "idle", "stopped")
_KIND_OF = {
    AgentStatus.STUCK: "attention",
    AgentStatus.WAITING_HUMAN: "attention",
    AgentStatus.BLOCKED: "idle",
    AgentStatus.WORKING: "working",
    AgentStatus.STARTING: "idle",
    AgentStatus.IDLE: "idle",
    AgentStatus.PAUSED: "stopped",
    AgentStatus.OFFLINE: "stopped",
}


@dataclass(frozen=True, slots=True)
class AtWork:
    """One live run of an agent."""

    ref: str
    title: str
    state: RunState
    substate: str
    started_at_ms: int
    stuck: str = ""


@dataclass(frozen=True, slots=True)
class AgentView:
    """One agent. `queue` counts what it could take now; `costs` are of the runs it began today."""

    agent_id: str
    plate: Plate
    status: StatusSeen
    runs: tuple[AtWork, ...]
    seen_at_ms: int | None
    max_concurrency: int
    queue: int
    costs: TaskCosts
    notes: int
    capabilities: tuple[str, ...]
    kind: str
    template: str
    pause_reason: str
    is_paused: bool
    is_frozen: bool  # itself, or with everything
    is_frozen_itself: bool
    is_retired: bool
    is_simulated: bool

    @property
    def signal(self) -> Signal:
        return SIGNALS_OF[self.status.value]

    @property
    def word(self) -> str:
        if self.is_frozen:
            return "Frozen"
        if self.is_retired:
            return "Retired"
        return _WORDS.get(self.status.value, self.status.value.capitalize())

    @property
    def group(self) -> str:
        """Under which filter it is listed. Offline with work in its hands is for a person to see."""
        if self.status.value is AgentStatus.OFFLINE and self.runs:
            return "attention"
        return _KIND_OF[self.status.value]

    @property
    def busy(self) -> int:
        """Of its hands, so many are full: runs that wait for a person take none."""
        return sum(run.state is RunState.RUNNING for run in self.runs)

    @property
    def order(self) -> tuple[object, ...]:
        is_quiet = self.group != "attention"
        return self.is_retired, is_quiet, _ORDER.index(self.status.value), -len(self.runs), self.plate.name


@dataclass(frozen=True, slots=True)
class FleetView:
    """All agents, those that need attention first; `kind` narrows what is shown, `counts` ignore it."""

    agents: tuple[AgentView, ...]
    counts: dict[str, int]
    kind: str = ""
    queue: int = 0

    @property
    def shown(self) -> tuple[AgentView, ...]:
        return tuple(one for one in self.agents if self.kind in {"", one.group})

    @property
    def costs(self) -> TaskCosts:
        """Of all together."""
        return TaskCosts(
            sum(one.costs.total_nano_usd for one in self.agents),
            sum(one.costs.failed_nano_usd for one in self.agents),
            sum(one.costs.waiting_nano_usd for one in self.agents),
        )
