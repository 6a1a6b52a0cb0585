"""What a running proxy is made of: its ports, its limits, its clock."""

from dataclasses import dataclass, field

from proxy.conversations import ResponseStore
from proxy.fence import Fencing
from proxy.ports import AnswerStore, Clock, PolicySource, UsageSink
from proxy.pricing import PriceTable
from proxy.upstream.client import UpstreamClient


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one process. The timeouts towards providers are `proxy.upstream.attempt.Timeouts`."""

    body_bytes: int = 32 * 1024 * 1024
    receive_seconds: float = 120.0  # for a request's body to arrive
    watch_after_seconds: float = 0.05  # before a task watches whether the client is still there
    in_flight_per_key: int = 0  # 0: no bound
    stale_policy_seconds: float = 30.0  # run keys are refused beyond it, see ports.PolicySource
    recorded_body_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class Deps:
    """Handed to `create_app` by whoever composes the process."""

    policy: PolicySource
    sink: UsageSink
    answers: AnswerStore
    clock: Clock
    upstream: UpstreamClient
    prices: PriceTable
    limits: Limits = Limits()
    fencing: Fencing = field(default_factory=Fencing)
    responses: ResponseStore | None = None  # None: in memory, for as long as the process lives
