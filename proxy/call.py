"""One call on its way through the stages: what each stage found out, for the next one and for the record."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec
from typing_extensions import override

from proxy.dialects.reading import Reading
from proxy.errors import ClientLeft, Dialect, Headers
from proxy.ports import Policy, Principal, Provider
from proxy.records import Outcome
from proxy.targets import Target
from proxy.upstream.attempt import Attempt

if TYPE_CHECKING:
    from proxy.shared import Shared


class Head(msgspec.Struct):
    """The members of a request that the proxy looks at; all others pass unread."""

    model: Any = None
    stream: Any = None
    stream_options: Any = None
    max_tokens: Any = None
    max_completion_tokens: Any = None
    messages: list[msgspec.Raw] = []
    system: msgspec.Raw = msgspec.Raw(b"")


NO_HEAD = Head()


class Caller(NamedTuple):
    """Whom a call is put down to: the key's holder, and the run that the key or the attribution names."""

    principal: Principal
    key: str
    key_digest: str
    agent_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    epoch: int = 0

    @property
    def owner(self) -> str:
        """In whose name an idempotency key is unique."""
        return self.run_id or self.agent_id or self.principal.key_id

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


class Call:
    """Mutable on purpose: it lives for one call and in one task. Times are monotonic nanoseconds unless `at_ns`.

    Slots, since an instance with more than 30 attributes would have a dictionary of its own, which grows three times.
    """

    __slots__ = (
        "answer_bytes", "answer_parts", "answered_ns", "asked_ns", "at_ns", "attempt", "begun_ns", "body",
        "call_id", "caller", "client", "cost_nano_usd", "dialect", "endpoint", "error_code", "has_client_left",
        "head", "headers", "idempotency_key", "is_admitted", "is_committed", "is_recorded", "is_settled",
        "is_started", "kept_bytes", "model", "on_leave", "outcome", "policy", "progress_ns", "provider", "query",
        "reading", "received_ns", "replay_of", "request", "request_digest", "sent_headers", "shared", "status",
        "strips_usage", "target", "upstream_status",
    )  # fmt: skip

    def __init__(self, shared: "Shared", dialect: Dialect, endpoint: str, query: bytes, headers: Headers) -> None:
        self.shared = shared
        self.dialect: Dialect = dialect
        self.endpoint = endpoint  # '/v1/chat/completions'
        self.query = query
        self.sent_headers = headers  # as the client sent them, names in lower case
        self.headers: Mapping[bytes, bytes] = dict(headers)
        self.call_id = shared.ids.next()
        self.received_ns = shared.deps.clock.monotonic_ns()
        self.policy: Policy = shared.deps.policy.current()
        self.answer_parts: list[bytes] = []  # for the record, up to its cap
        self.client: Client
        # receive, identify, admit, guard
        self.body = b""
        self.caller: Caller | None = None
        self.is_admitted = False
        self.head = NO_HEAD
        # recall
        self.idempotency_key: str | None = None
        self.request_digest = ""
        self.replay_of = ""
        # route, render
        self.provider: Provider | None = None
        self.model = ""  # as the provider is asked for it
        self.target: Target | None = None
        self.request = b""
        self.strips_usage = False
        # send
        self.attempt: Attempt | None = None
        self.has_client_left = False
        self.on_leave: Callable[[], None] | None = None
        self.is_started = False  # its call_started is written
        self.at_ns = 0  # UTC, of call_started
        self.begun_ns = 0
        self.asked_ns = 0
        self.answered_ns = 0
        # translate
        self.upstream_status = 0
        self.status = 0
        self.is_committed = False  # the client has the head of an answer
        self.reading: Reading | None = None
        self.progress_ns = 0
        self.answer_bytes = 0
        self.kept_bytes = 0
        # settle
        self.is_recorded = True  # false: somebody else's call that this one only waits for
        self.is_settled = False
        self.outcome: Outcome = "error"  # until a stage knows better: a cancelled call ends so
        self.error_code = "interrupted"
        self.cost_nano_usd = 0

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
