"""A task as one card: who has it, how it stands and since when, why, and what it has cost."""

from dataclasses import dataclass

from controlplane.domain.state import TaskStatus
from controlplane.domain.transitions import legal_drops
from controlplane.queries.signals import WAITING, Signal, severity

HIGH_PRIORITY = 2  # only High is shown: three levels of mark would be three levels of noise
_FAR = 10**14  # milliseconds: later than any date, so that "newest first" sorts as text


@dataclass(frozen=True, slots=True)
class Plate:
    """An agent's call sign. `name` is what the SDK was given; people read it with a capital."""

    name: str
    call_sign: str

    @property
    def title(self) -> str:
        return self.name.upper() if len(self.name) <= 3 else self.name.capitalize()


@dataclass(frozen=True, slots=True)
class Wait:
    """What blocks a task: the first open blocker, and the task at the end of the chain that holds everything up."""

    blocker: str  # T-12
    others: int = 0  # further open blockers
    leaf: str = ""  # T-12, when it is not the blocker itself
    phrase: str = ""  # "stuck", "waits for your review"
    since_ms: int | None = None  # of the phrase, where its age is the point


@dataclass(frozen=True, slots=True)
class Reason:
    """Why the card stands as it does, in words; a `wait` is told with links."""

    text: str = ""
    wait: Wait | None = None

    def __bool__(self) -> bool:
        return bool(self.text or self.wait)


@dataclass(frozen=True, slots=True)
class Drop:
    """A column on which a person may drop the card: `verb` is move, approve or request_changes."""

    column: TaskStatus
    verb: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Parts:
    """How far the sub-tasks of a task are."""

    all: int
    done: int


@dataclass(frozen=True, slots=True)
class CardView:
    """One card. `since_ms` is the moment its signal began."""

    task_id: str
    number: int
    title: str
    status: TaskStatus
    signal: Signal
    word: str
    since_ms: int
    priority: int = 3
    plate: Plate | None = None
    reason: Reason = Reason()
    substate: str = ""
    comments: int = 0
    version: int = 0
    calls: int = 0
    cost_nano_usd: int = 0
    is_simulated: bool = False
    dependants: int = 0
    parts: Parts | None = None

    @property
    def ref(self) -> str:
        return f"T-{self.number}"

    @property
    def is_high(self) -> bool:
        return self.priority <= HIGH_PRIORITY

    @property
    def is_waiting(self) -> bool:
        """A person may ask why it does not run."""
        return self.signal in WAITING

    @property
    def drops(self) -> tuple[Drop, ...]:
        rows = legal_drops(self.status)
        return tuple(Drop(column, row.drop or "", row.sentence) for column, row in rows.items())

    @property
    def rank(self) -> str:
        """The place within a column, compared as text: attention first, then priority, then who waits longest.

        Closed tasks go by date, newest first. The server decides this; the browser only inserts by it.
        """
        if self.status in {TaskStatus.DONE, TaskStatus.CANCELLED}:
            return f"{_FAR - self.since_ms:015d}-{self.number:08d}"
        group = severity(Signal.IDLE if self.signal is Signal.QUEUED else self.signal)
        return f"{group:02d}{self.priority}{self.since_ms:015d}-{self.number:08d}"
