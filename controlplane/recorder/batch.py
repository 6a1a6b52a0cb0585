"""What is read from the spool in one go, and what it has touched once it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.records import CallEnded, CallParked, CallProgress, CallStarted, Record


@dataclass(slots=True)
class Batch:
    """Records in the order of their writing, sorted by what they do. `positions`: segment -> offset after the last."""

    parked: list[tuple[CallStarted, str]] = field(default_factory=list)  # with the writer
    started: list[tuple[CallStarted, str]] = field(default_factory=list)
    progress: list[CallProgress] = field(default_factory=list)
    ended: list[CallEnded] = field(default_factory=list)
    positions: dict[str, int] = field(default_factory=dict)

    def add(self, record: Record, writer: str) -> None:
        match record:
            case CallParked():
                self.parked.append((record.call, writer))
            case CallStarted():
                self.started.append((record, writer))
            case CallProgress():
                self.progress.append(record)
            case CallEnded():
                self.ended.append(record)

    def __len__(self) -> int:
        return len(self.parked) + len(self.started) + len(self.progress) + len(self.ended)

    def moments_ns(self) -> Mapping[str, int]:
        """Call id -> when it was last heard of."""
        moments = {record.call_id: record.at_ns for record, _ in (*self.parked, *self.started)}
        heard: list[CallProgress | CallEnded] = [*self.progress, *self.ended]
        for record in heard:
            moments[record.call_id] = max(record.at_ns, moments.get(record.call_id, 0))
        return moments


@dataclass(slots=True)
class Touched:
    """Whom a batch concerns: runs and agents with the moment (UTC ms) they were last heard of, and the ended calls."""

    runs: dict[str, int] = field(default_factory=dict)
    agents: dict[str, int] = field(default_factory=dict)
    ended_call_ids: list[str] = field(default_factory=list)
