"""Admit: may this caller ask now?"""

from pointsman.contract import KeyKind

from proxy.call import Caller
from proxy.deps import Deps
from proxy.errors import PolicyStale, TooManyCalls


class InFlight:
    """How many calls each key has open, if there is a bound at all. Streams hold their place to their end."""

    def __init__(self, most_per_key: int) -> None:
        self._most = most_per_key
        self._open: dict[str, int] = {}

    def enter(self, key_id: str) -> None:
        """Raises TooManyCalls when the key has as many calls open as it may."""
        if not self._most:
            return
        count = self._open.get(key_id, 0)
        if count >= self._most:
            raise TooManyCalls(f"This key has {count} calls in flight, the most it may have. Try again shortly.")
        self._open[key_id] = count + 1

    def leave(self, key_id: str) -> None:
        if not self._most:
            return
        count = self._open[key_id] - 1
        if count:
            self._open[key_id] = count
        else:
            del self._open[key_id]


def admit(caller: Caller, deps: Deps, in_flight: InFlight) -> None:
    """Takes a place in flight, to be given back with `in_flight.leave`. Raises PolicyStale (503) or TooManyCalls (429).

    A run's key may have been revoked while policy could not be read, so it must wait; an agent's key goes on.
    """
    if caller.principal.kind is KeyKind.RUN and deps.policy.age_seconds() > deps.limits.stale_policy_seconds:
        raise PolicyStale("The gateway cannot tell at the moment whether this run is still live. Try again shortly.")
    in_flight.enter(caller.principal.key_id)
