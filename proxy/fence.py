"""What a call meets when its run is revoked or frozen while it is under way.

    revoked, a stream           cut with `run_revoked`, or finished, by `Fencing.revoked_streams`
    revoked, a whole answer     asked to its end, paid and kept; the caller gets 403, or the answer where streams finish
    frozen, a stream            cut with `run_paused`, or finished, by `Fencing.frozen_streams`
    frozen, a whole answer      given: it is paid for, and the next call waits
    paused                      goes on; the next call waits

Nothing is looked at while bytes pass: policy says when somebody's standing has changed, and only then are the calls of
that somebody looked at. They are known here by the ids of their key and run.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

from proxy.call import Caller
from proxy.errors import InvalidKey, ProxyError, RunPaused, RunRevoked
from proxy.ports import PolicySource, Principal
from proxy.stages.identify import identify

StreamPolicy = Literal["cut", "finish"]


@dataclass(frozen=True, slots=True)
class Fencing:
    """What happens to calls of runs that are revoked or held."""

    revoked_streams: StreamPolicy = "cut"
    frozen_streams: StreamPolicy = "cut"
    park_seconds: float = 590.0  # the vendors' SDKs give up at 600, and would not hear why
    most_parked: int = 1000  # model calls, and as many tool calls


class Fenced(Protocol):
    """A call under way."""

    @property
    def caller(self) -> Caller | None: ...

    @property
    def headers(self) -> Mapping[bytes, bytes]: ...


_Call = TypeVar("_Call", bound=Fenced)


class Fence(Generic[_Call]):
    """The calls under way of one door. Belongs to one event loop.

    `cut` ends a call with an error if it is a stream, and does nothing else. It may be called again.
    """

    def __init__(self, policy: PolicySource, fencing: Fencing, cut: Callable[[_Call, ProxyError], None]) -> None:
        self._policy = policy
        self._fencing = fencing
        self._cut = cut
        self._calls: dict[str, set[_Call]] = {}
        self._names: dict[_Call, frozenset[str]] = {}
        policy.follow(self._on_change)

    def enter(self, call: _Call) -> None:
        """From here on the call is cut when its time comes; at once if that has come already."""
        if call.caller is None:
            return
        names = self._names[call] = call.caller.names
        for name in names:
            self._calls.setdefault(name, set()).add(call)
        self._look_at(call)

    def rename(self, call: _Call) -> None:
        """For a call whose caller has changed: it is known by other names now. Nothing for one that never entered."""
        if call in self._names:
            self.leave(call)
            self.enter(call)

    def leave(self, call: _Call) -> None:
        """May be called for one that never entered."""
        for name in self._names.pop(call, ()):
            calls = self._calls[name]
            calls.discard(call)
            if not calls:
                del self._calls[name]

    def objection(self, caller: Caller, headers: Mapping[bytes, bytes]) -> ProxyError | None:
        """Why a stream of this caller must end now; None when it may go on."""
        fencing, policy = self._fencing, self._policy.current()
        try:
            now = identify(headers, policy)
        except (InvalidKey, RunRevoked) as error:
            return error if fencing.revoked_streams == "cut" else None
        if caller.is_revoked(policy):
            return self.withholds(caller)
        if fencing.frozen_streams == "finish":
            return None
        runs = [run for run in policy.live_runs.get(caller.agent_id or "", ()) if run.run_id == caller.run_id]
        return next((paused(one) for one in (now.principal, *runs) if one.is_frozen), None)

    def withholds(self, caller: Caller) -> RunRevoked | None:
        """Why a whole answer is not for this caller any more; None when it is."""
        if self._fencing.revoked_streams == "finish" or not caller.is_revoked(self._policy.current()):
            return None
        return RunRevoked("This call's run ended while the call was under way. Claim the task again.")

    def _on_change(self, names: Collection[str]) -> None:
        for call in {call for name in names for call in self._calls.get(name, ())}:
            self._look_at(call)

    def _look_at(self, call: _Call) -> None:
        if call.caller is not None and (error := self.objection(call.caller, call.headers)) is not None:
            self._cut(call, error)


def paused(hold: Principal | None) -> RunPaused:
    """The refusal of a caller who is held."""
    reason = hold.reason if hold is not None else ""
    return RunPaused(f"This key is on hold: {reason or 'its run is paused'}. Send the call again later.")
