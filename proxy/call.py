"""One call on its way through the stages: what each stage found out, for the next one and for the record."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from typing_extensions import override

from proxy.dialects.reading import Reading
from proxy.endpoints import Endpoint
from proxy.errors import ClientLeft, Dialect, Headers
from proxy.ports import Policy, Principal, Provider
from proxy.records import Outcome
from proxy.targets import Target
from proxy.upstream.attempt import Attempt

if TYPE_CHECKING:
    from proxy.said import Said
    from proxy.shared import Shared
    from proxy.stages.foreign import Foreign


class Head(msgspec.Struct, frozen=True):
    """The members of a request that the proxy looks at; all others pass unread."""

    model: Any = None
    stream: Any = None
    stream_options: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    messages: list[msgspec.Raw] = []
    system: msgspec.Raw = msgspec.Raw(b"")


NO_HEAD = Head()


class Caller(msgspec.Struct, frozen=True):
    """Whom a call is put down to: the key's holder, and the run that the key or the attribution names."""

    principal: Principal
    key: str
    key_digest: str
    agent_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    epoch: int = 0
    hold: Principal | None = None  # the key's holder or the run, whichever is held: a new call waits
    is_waiting: bool = False  # the run waits, or there is none: what is spent now is the cost of waiting

    @property
    def names(self) -> frozenset[str]:
        """What has to change for this caller to be looked at anew; see `PolicySource.follow`."""
        return frozenset((self.principal.key_id, self.run_id or self.principal.key_id))

    @property
    def owner(self) -> str:
        """In whose name an idempotency key is unique."""
        return self.run_id or self.agent_id or self.principal.key_id

    def is_revoked(self, now: Policy) -> bool:
        """Has the run that the call is put down to ended by now? Policies change in place: always look."""
        if self.run_id is None:
            return False
        if self.principal.run_id:
            holder = now.principals.get(self.key_digest)
            return holder is None or holder.state == "revoked"
        return all(run.run_id != self.run_id for run in now.live_runs.get(self.agent_id or "", ()))

    @override
    def __repr__(self) -> str:
        return f"Caller({self.principal!r})"  # never the key


class Client(Protocol):
    """Where the answer goes: whole by `answer`, or `start`, then any number of `write`, then `end`.

    One that has left ignores them. The `content-length` of a whole answer is among its headers.
    """

    async def answer(self, status: int, headers: Headers, body: bytes) -> None: ...

    async def start(self, status: int, headers: Headers) -> None: ...

    async def write(self, part: bytes) -> None: ...

    async def end(self, part: bytes = b"") -> None: ...


class Call(msgspec.Struct, eq=False):
    """Mutable on purpose: it lives for one call and in one task. Times are monotonic nanoseconds unless `at_ns`.

    A struct, since Python alone takes longer to give forty members their first value than to choose a route.
    """

    shared: "Shared"
    client: Client
    said: "Said"
    where: Endpoint
    dialect: Dialect  # the client's, that of `where`
    headers: Mapping[bytes, bytes]  # those of `said`
    call_id: str
    received_ns: int
    policy: Policy
    # receive, identify, admit, guard
    body: bytes = b""
    caller: Caller | None = None
    is_admitted: bool = False
    head: Head = NO_HEAD
    # recall
    idempotency_key: str | None = None
    request_digest: str = ""
    is_detached: bool = False  # its client is a flight, which keeps the answer for others too
    replay_of: str = ""
    # route, render
    provider: Provider | None = None
    model: str = ""  # as the provider is asked for it
    asked: Dialect = "openai"  # the dialect that the provider is asked in
    target: Target | None = None
    foreign: "Foreign | None" = None  # what a translated call needs beside
    dropped: tuple[str, ...] = ()  # parameters that the provider did not get
    request: bytes = b""
    strips_usage: bool = False
    # send
    attempt: Attempt | None = None
    has_client_left: bool = False
    is_cut: bool = False  # by us, because its run was revoked or frozen
    on_leave: Callable[[], None] | None = None
    is_started: bool = False  # its call_started is written
    at_ns: int = 0  # UTC, of call_started
    begun_ns: int = 0
    asked_ns: int = 0
    answered_ns: int = 0
    first_token_ns: int = 0  # of a stream: its first text, thought or call went out
    # translate
    upstream_status: int = 0
    status: int = 0
    is_committed: bool = False  # the client has the head of an answer
    reading: Reading | None = None
    progress_ns: int = 0
    answer_bytes: int = 0
    answer_parts: list[bytes] = []  # for the record, up to its cap
    kept_bytes: int = 0
    # settle
    is_recorded: bool = True  # false: somebody else's call that this one only waits for
    is_settled: bool = False
    outcome: Outcome = "error"  # until a stage knows better: a cancelled call ends so
    error_code: str = "interrupted"
    cost_nano_usd: int = 0

    @property
    def is_native(self) -> bool:
        """Client and provider speak one dialect: bytes pass."""
        return self.asked == self.dialect

    @property
    def has_text(self) -> bool:
        """Its body can be read by a person: no form with files, no sound."""
        return self.where.operation != "other" or b"json" in self.headers.get(b"content-type", b"")

    def succeed(self) -> None:
        self.outcome, self.error_code = "ok", ""

    def leave(self) -> None:
        """The client is gone: nobody pays for what nobody reads."""
        self.has_client_left = True
        if self.attempt is not None:
            self.attempt.abort(ClientLeft())
        if self.on_leave is not None:
            self.on_leave()

    def keep_part(self, part: bytes) -> None:
        """Counts a part of the answer and keeps it for the record while there is room."""
        self.answer_bytes += len(part)
        if self.policy.body_policy == "full":
            room = self.shared.deps.limits.recorded_body_bytes - self.kept_bytes
            if room > 0:
                self.answer_parts.append(part if len(part) <= room else part[:room])
                self.kept_bytes += min(len(part), room)
