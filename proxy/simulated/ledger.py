"""The provider's own count of what it was asked, to compare with what the gateway recorded."""

from collections import deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

LIMIT = 10_000  # the oldest calls are forgotten beyond this; a chaos test makes some thousands


@dataclass(slots=True)
class SimulatedCall:
    """One request as the provider saw it. `is_finished` means that the last byte was handed to the socket."""

    id: str
    at_ns: int
    endpoint: str
    model: str  # for a tool call: the tool
    seed: str
    idempotency_key: str | None
    traceparent: str | None
    usage: Mapping[str, int] = field(default_factory=dict)
    is_finished: bool = False

    def as_json(self) -> dict[str, Any]:
        """As `/sim/calls` lists it."""
        fields = asdict(self)
        is_finished, at_ns = fields.pop("is_finished"), fields.pop("at_ns")
        return {**fields, "at": at_ns / 1e9, "finished": is_finished}


class Ledger:
    """Calls in the order in which they came."""

    def __init__(self) -> None:
        self._calls: deque[SimulatedCall] = deque(maxlen=LIMIT)

    def note(self, call: SimulatedCall) -> None:
        self._calls.append(call)

    def times_asked(self, seed: str) -> int:
        """How often this very request came, this time included."""
        return sum(call.seed == seed for call in self._calls)

    def clear(self) -> None:
        self._calls.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [call.as_json() for call in self._calls]
