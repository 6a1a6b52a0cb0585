"""What a subscriber gets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the outbox: something about the subject is not as it was; what, says the subject's own row."""

    seq: int
    workspace_id: str
    topic: str
    subject_id: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Resync:
    """The subscriber was too slow, or asked for changes that are not kept: everything up to `seq` may be new to it."""

    seq: int


Batch = list[Change] | Resync
