"""What the data plane asks of the outside: policy, a log, an answer store, a clock.

The proxy knows no database and no Temporal. `controlplane/gateway.py` hands in adapters over SQL, `proxy/main.py` the
standalone ones (policy from a file, records to JSON lines).
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from pointsman.contract import KeyKind

from proxy.errors import Dialect

RunState = Literal["live", "held", "revoked"]
BodyPolicy = Literal["off", "metadata", "full"]
# What happens to a parameter that the provider cannot do: said in a response header, only logged, or refused (400).
UnsupportedPolicy = Literal["warn", "drop", "reject"]


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling. A run's key names its task and agent; an agent's key gets them by attribution."""

    key_id: str
    kind: KeyKind
    workspace_id: str
    agent_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    epoch: int = 0
    state: RunState = "live"
    reason: str = ""  # why a run was revoked or is held, in words for the caller
    is_frozen: bool = False  # held by an emergency stop, which reaches streams under way too
    is_waiting: bool = False  # for a person or for another task; of an agent's key: as long as it has no live run


@dataclass(frozen=True, slots=True)
class Provider:
    """A destination of calls. `dialect` is its wire format; `api_key` never leaves the process but towards it."""

    name: str
    dialect: Dialect  # that it is asked in when the client's own is none of `speaks`
    base_url: str  # up to and including the version segment: https://api.openai.com/v1
    api_key: str = field(default="", repr=False)
    models: tuple[str, ...] = ("*",)  # exact names or prefixes ending in '*'
    headers: Mapping[str, str] = field(default_factory=dict)
    is_simulated: bool = False
    price_provider: str = ""  # the name under which genai-prices knows it, or 'free'; empty: `name`
    kind: str = ""  # the file in `proxy/providers` that knows it; empty: `name` if there is one, else any OpenAI-like
    speaks: tuple[Dialect, ...] = ()  # beside `dialect`: calls in these pass as they are
    settings: Mapping[str, str] = field(default_factory=dict, repr=False)  # region, project, deployment, api_version …
    unsupported: UnsupportedPolicy = "warn"
    passes_trace_context: bool = False  # W3C traceparent and tracestate go on to it; baggage never does


@dataclass(frozen=True, slots=True)
class ToolServer:
    """An MCP server behind `/mcp/{name}`."""

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    is_simulated: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """Everything a call needs to know, in memory. Replaced or updated by its source; read without a lock."""

    principals: Mapping[str, Principal]  # hex SHA-256 of a key -> its holder
    live_runs: Mapping[str, tuple[Principal, ...]]  # agent id -> its live runs, for attribution of agent keys
    providers: tuple[Provider, ...]
    tool_servers: Mapping[str, ToolServer]
    task_numbers: Mapping[str, str] = field(default_factory=dict)  # 'T-12' -> task id, live runs only
    body_policy: BodyPolicy = "full"
    allow_anonymous: bool = False  # standalone without keys, loopback only


class PolicySource(Protocol):
    """Where policy comes from. `current` and `age_seconds` are called once per call and must not block."""

    def current(self) -> Policy: ...

    def age_seconds(self) -> float:
        """Since the source was last known to be true. Above 30, run keys get 503 `policy_stale`, agent keys go on."""
        ...

    def follow(self, on_change: Callable[[Collection[str]], None]) -> None:
        """Has `on_change` called, on the event loop, with the key ids and run ids whose principals have changed.

        After the change is in `current`, and as long as the source lives.
        """
        ...


class UsageSink(Protocol):
    """Where records of calls go. `write` returns only when they survive a SIGKILL of this process."""

    def write(self, *records: bytes) -> None: ...

    def close(self) -> None: ...


class AnswerStore(Protocol):
    """Answers kept for a repeated idempotency key; see `proxy/answers.py`."""

    def begin(self, owner: str, key: str, request_digest: str) -> "Answer | None":
        """The answer kept for this key, or None after noting that it is being asked. Raises IdempotencyMismatch."""
        ...

    def keep(self, owner: str, key: str, answer: "Answer") -> None: ...

    def forget(self, owner: str, key: str) -> None:
        """The call ended without an answer worth keeping: the next try asks again."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A finished answer, as the client got it."""

    call_id: str
    request_digest: str
    status: int
    content_type: str
    body: bytes


class Clock(Protocol):
    """Time, handed in: nanoseconds since the epoch in UTC, and monotonic nanoseconds for durations."""

    def now_ns(self) -> int: ...

    def monotonic_ns(self) -> int: ...
