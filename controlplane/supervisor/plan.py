"""What there is to start, in which order, and how each child says that it is ready.

| stage | children                                | why then                                                        |
|-------|-----------------------------------------|-----------------------------------------------------------------|
| 0     | Temporal, the simulated provider        | programs that need nothing of ours                              |
| 1     | recorder                                | stopped after the proxy, so that it records the last answers    |
| 2     | proxy, workers, web                     | need Temporal and the databases                                 |
| 3     | demo                                    | a visitor of the others                                         |

Children of one stage start together; stages only order the start by what is *ready*, and the stop in reverse.
"""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.settings import TEMPORAL_UI_PORT, Settings
from controlplane.supervisor import shim
from controlplane.supervisor.readiness import AcceptsConnections, AnswersHttp, NeedsNothing, Probe, SaysItIsPresent
from controlplane.supervisor.temporal_server import temporal_arguments

ANYWHERE = {"0.0.0.0", "::"}


@dataclass(frozen=True, slots=True)
class ChildSpecification:
    """One child: its command, its sign of readiness, and what `run.json` says of its place."""

    name: str
    command: tuple[str, ...]
    probe: Probe
    stage: int
    place: Mapping[str, str | None] = field(default_factory=dict)
    may_finish: bool = False  # exit code 0 is an end, not a death


def temporal_child(settings: Settings, binary: Path, *, with_ui: bool) -> ChildSpecification:
    """The embedded engine, under the shim."""
    ui = f"http://127.0.0.1:{TEMPORAL_UI_PORT + settings.port_offset}" if with_ui else None
    return ChildSpecification(
        name="temporal",
        command=_shimmed(*temporal_arguments(binary, settings, with_ui=with_ui)),
        probe=AcceptsConnections("127.0.0.1", settings.temporal_port),
        stage=0,
        place={"address": settings.engine_address, "ui": ui},
    )


def simulated_child(settings: Settings) -> ChildSpecification:
    """The simulated provider and tool server. `proxy` may not import the lifeline, so it runs under the shim."""
    port = str(settings.simulated_port)
    return ChildSpecification(
        name="simulated",
        command=_shimmed(sys.executable, "-P", "-m", "proxy.simulated", "--port", port, "--speed", "human"),
        probe=AcceptsConnections("127.0.0.1", settings.simulated_port),
        stage=0,
        place={"url": settings.simulated_url},
    )


def own_children(settings: Settings) -> tuple[ChildSpecification, ...]:
    """Our four processes."""
    database = settings.home.control_database
    web, gateway = local_url(settings.host, settings.web_port), local_url(settings.host, settings.proxy_port)
    return (
        ChildSpecification("recorder", _module("controlplane.recorder"), SaysItIsPresent("recorder", database), 1),
        ChildSpecification(
            "proxy", _module("controlplane.gateway"), AnswersHttp(f"{gateway}/readyz"), 2, {"url": gateway}
        ),
        ChildSpecification("workers", _module("workers"), SaysItIsPresent("workers", database), 2),
        ChildSpecification("web", _module("web"), AnswersHttp(f"{web}/readyz"), 2, {"url": web}),
    )


def demo_child() -> ChildSpecification:
    """The demo's agents."""
    return ChildSpecification("demo", _module("controlplane.demo"), NeedsNothing(), 3, may_finish=True)


def local_url(host: str, port: int) -> str:
    """How this machine reaches what is bound to `host`."""
    if host in ANYWHERE:
        host = "127.0.0.1"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _module(name: str) -> tuple[str, ...]:
    # -P: a folder called `web` where the user happens to stand must not be taken for ours.
    return (sys.executable, "-P", "-m", name)


def _shimmed(*command: str) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", str(Path(shim.__file__)), "--", *command)
