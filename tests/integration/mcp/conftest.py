"""The MCP gateway on a socket, in front of the simulated tool server on another."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import pytest
from pointsman.contract import KeyKind, derive_run_key, digest, new_key

from proxy.answers import FileAnswerStore
from proxy.app import create_app
from proxy.clock import SystemClock
from proxy.deps import Deps
from proxy.mcp.app import create_mcp_app
from proxy.ports import Policy, Principal, ToolServer
from proxy.pricing import PriceTable
from proxy.records import Record
from proxy.simulated.app import SimulatedServer
from proxy.upstream.attempt import Timeouts
from proxy.upstream.client import UpstreamClient
from tests.fakes.served import served

AGENT_KEY = new_key(KeyKind.AGENT)
RUN_KEY = derive_run_key(b"master", "r_1", 3)
OLD_RUN_KEY = derive_run_key(b"master", "r_1", 2)
RUN = Principal("k_run", KeyKind.RUN, "w_1", agent_id="a_1", run_id="r_1", task_id="t_1", epoch=3)


@dataclass
class Sink:
    """Records, decoded as they are written."""

    records: list[Record] = field(default_factory=list)

    def write(self, *records: bytes) -> None:
        self.records.extend(msgspec.json.decode(record, type=Record) for record in records)

    def close(self) -> None: ...


@dataclass
class Source:
    policy: Policy
    age: float = 0.0
    followers: list[Callable[[Collection[str]], None]] = field(default_factory=list)

    def current(self) -> Policy:
        return self.policy

    def age_seconds(self) -> float:
        return self.age

    def follow(self, on_change: Callable[[Collection[str]], None]) -> None:
        self.followers.append(on_change)


@dataclass
class Gateway:
    """What a test needs to know of the gateway under test."""

    url: str  # http://127.0.0.1:1234/mcp/web
    upstream_url: str  # the simulated server's, without a path
    sink: Sink
    source: Source
    deps: Deps

    def point_at(self, url: str) -> None:
        """Puts another upstream behind the same name."""
        servers = {"web": replace(self.source.policy.tool_servers["web"], url=url)}
        self.source.policy = replace(self.source.policy, tool_servers=servers)


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    with served(SimulatedServer("fast")) as upstream_url:
        principals = {
            digest(AGENT_KEY): Principal("k_agent", KeyKind.AGENT, "w_1", agent_id="a_1"),
            digest(RUN_KEY): RUN,
            digest(OLD_RUN_KEY): replace(RUN, key_id="k_old", epoch=2, state="revoked", reason="reassigned by Maya"),
        }
        servers = {
            "web": ToolServer("web", f"{upstream_url}/mcp", headers={"x-secret": "s3cret-token"}, is_simulated=True)
        }
        source = Source(Policy(principals, {"a_1": (RUN,)}, (), servers))
        clock, sink = SystemClock(), Sink()
        deps = Deps(
            policy=source,
            sink=sink,
            answers=FileAnswerStore(tmp_path / "answers", clock),
            clock=clock,
            upstream=UpstreamClient(clock, Timeouts(connect=2, first_byte=10, idle=10)),
            prices=PriceTable(b'{"version":"none","providers":[]}'),
        )
        with served(create_app(deps, create_mcp_app(deps)), lifespan="on") as url:
            yield Gateway(f"{url}/mcp/web", upstream_url, sink, source, deps)
