"""`python -m proxy serve --config FILE`: the proxy alone, without control plane, database or Temporal.

Killed, it loses no answered call's record: each is written before the last byte of its answer, by one append. Calls
that were in flight have a `call_started` and no end. Answers to idempotency keys are whole or absent.
"""

import argparse
import os
import sys
from pathlib import Path

from proxy.answers import FileAnswerStore
from proxy.app import Application, create_app
from proxy.clock import SystemClock
from proxy.config import ConfigError
from proxy.deps import Deps
from proxy.kept_responses import FileResponseStore
from proxy.line_log import LineSink
from proxy.price_list import compile_listing
from proxy.pricing import PriceTable
from proxy.serve import serve
from proxy.standalone import FixedPolicy, Standalone, read_standalone
from proxy.upstream.client import UpstreamClient


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="a YAML file, see proxy/standalone.py")
    parser.add_argument("--port", type=int, default=0, help="instead of the file's")
    parser.add_argument("--log", type=Path, help="JSON lines of calls, instead of the file's")


def run(options: argparse.Namespace) -> int:
    """Until SIGTERM."""
    try:
        found = read_standalone(options.config, os.environ)
    except (ConfigError, OSError) as error:
        print(f"proxy: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks to its user
        return 2
    app = compose(found, options.log or found.log)
    serve(app, found.host, options.port or found.port)
    return 0


def compose(found: Standalone, log: Path) -> Application:
    """The application over files."""
    from proxy.mcp.app import create_mcp_app  # noqa: PLC0415 - only who serves tools loads what they need

    clock = SystemClock()
    deps = Deps(
        policy=FixedPolicy(found.policy),
        sink=LineSink(log),
        answers=FileAnswerStore(found.state / "answers", clock),
        responses=FileResponseStore(found.state / "responses", clock),
        clock=clock,
        upstream=UpstreamClient(clock, found.timeouts),
        prices=PriceTable(compile_listing(), found.prices),
        limits=found.limits,
    )
    return create_app(deps, create_mcp_app(deps) if found.policy.tool_servers else None)
