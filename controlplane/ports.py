"""What the control plane asks of the outside: the engine that holds tasks, a place for blobs, a clock."""

from collections.abc import AsyncIterable, AsyncIterator
from typing import NamedTuple, Protocol

import msgspec

from controlplane.domain.commands import Envelope
from controlplane.domain.decide import Refusal
from controlplane.domain.events import Event
from controlplane.domain.state import TaskState


class Applied(msgspec.Struct, frozen=True):
    """What an accepted command made of a task. Without events the command had been applied before."""

    state: TaskState
    events: tuple[Event, ...]
    execution_id: str  # Temporal's run id of the workflow that said so: part of the projection's guard
    command_id: str = ""


class EngineUnavailable(Exception):  # noqa: N818 - a state of the world, answered with 503 and a retry hint
    """The engine did not answer in time. The command may or may not have been applied: retry with the same id."""


class TaskEngine(Protocol):
    """Whoever holds the tasks. The one implementation that ships is `workers.engine.TemporalTaskEngine`."""

    async def execute(self, task_id: str, envelope: Envelope) -> Applied | Refusal:
        """Applies a command exactly once for its id. `CreateTask` starts the task. Raises EngineUnavailable."""
        ...

    async def snapshot(self, task_id: str) -> TaskState | None:
        """The truth about one task, for rebuilding; None when the engine does not know it."""
        ...

    async def beat(self, task_id: str, epoch: int) -> None:
        """Keeps the lease of that epoch alive; quietly does nothing when it is gone. Call at most every 20 s."""
        ...


class Stored(NamedTuple):
    """A content that is in the store."""

    sha256: str
    size_bytes: int


class BlobStore(Protocol):
    """Content under its SHA-256. `put` keeps a content for a day at least: long enough to refer to it from a row."""

    async def put(self, content: bytes) -> str: ...

    async def put_stream(self, chunks: AsyncIterable[bytes]) -> Stored: ...

    async def get(self, sha256: str) -> bytes | None: ...

    async def size(self, sha256: str) -> int | None: ...

    def read(self, sha256: str, first: int = 0, last: int | None = None) -> AsyncIterator[bytes]:
        """The bytes from `first` to `last`, both included, in blocks. Raises FileNotFoundError at the first."""
        ...

    async def names_before(self, at_ms: int) -> list[str]:
        """What nobody has put since then."""
        ...

    async def remove_before(self, sha256: str, at_ms: int) -> bool:
        """Takes it away unless somebody has put it since then."""
        ...

    async def forget_debris(self, at_ms: int) -> int:
        """Takes away what was half written when its process died before then."""
        ...


class Clock(Protocol):
    """UTC time in milliseconds."""

    def now_ms(self) -> int: ...
