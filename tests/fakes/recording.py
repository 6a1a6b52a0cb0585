"""An installation's databases and spool without processes, and a clock to be moved by hand."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from controlplane.recorder.recorder import Recorder
from controlplane.settings import Home
from proxy.records import CallEnded, CallStarted, Record, Usage
from proxy.spool import SpoolWriter
from tests.fakes.databases import create_databases, insert, opened

SECOND_NS = 1_000_000_000
START_NS = 1_790_000_000 * SECOND_NS


@dataclass
class HandClock:
    """Stands still until it is moved."""

    passed_ns: int = 0

    def now_ns(self) -> int:
        return START_NS + self.passed_ns

    def monotonic_ns(self) -> int:
        return self.passed_ns

    def pass_seconds(self, seconds: float) -> None:
        self.passed_ns += int(seconds * SECOND_NS)


@dataclass
class Bench:
    """An installation's databases and spool, without processes."""

    home: Home
    clock: HandClock
    calls: sqlite3.Connection
    control: sqlite3.Connection

    def recorder(self, **options: object) -> Recorder:
        return Recorder(self.home.spool, self.calls, self.control, self.clock, 7, **options)

    def writer(self, name: str = "1-1", **options: object) -> SpoolWriter:
        return SpoolWriter(self.home.spool / name, self.clock, **options)

    def call(self, call_id: str) -> dict[str, object]:
        cursor = self.calls.cursor()
        cursor.row_factory = sqlite3.Row
        return dict(cursor.execute("SELECT * FROM calls WHERE call_id = ?", (call_id,)).fetchone())

    def usage(self, run_id: str = "r_1") -> dict[str, object]:
        cursor = self.control.cursor()
        cursor.row_factory = sqlite3.Row
        return dict(cursor.execute("SELECT * FROM run_usage WHERE run_id = ?", (run_id,)).fetchone())

    def told(self) -> list[str]:
        return [task for (task,) in self.control.execute("SELECT subject_id FROM outbox WHERE topic = 'usage'")]


def write(writer: SpoolWriter, *records: Record) -> None:
    for record in records:
        writer.write(msgspec.json.encode(record))


@contextmanager
def recording_bench(root: Path) -> Iterator[Bench]:
    """With one agent `a_1` and its live run `r_1` of task `t_1`."""
    home = create_databases(root)
    with opened(home.calls_database) as calls, opened(home.control_database) as control:
        insert(
            control, "runs", run_id="r_1", workspace_id="w", task_id="t_1", task_number=1, agent_id="a_1", number=1,
            epoch=1, state="running", key_digest="d", started_at_ms=1, reason="", progress="", revision=1,
        )  # fmt: skip
        insert(
            control, "agents", agent_id="a_1", workspace_id="w", name="writer", call_sign="WR", kind="external",
            capabilities="[]", template="", max_concurrency=0, is_paused=0, pause_reason="", is_simulated=0,
            created_at_ms=1,
        )  # fmt: skip
        yield Bench(home, HandClock(), calls, control)


def started(call_id: str, **values: Any) -> CallStarted:
    """A model call of run `r_1`."""
    defaults: dict[str, Any] = {
        "at_ns": START_NS, "kind": "model", "workspace_id": "w", "key_id": "r_1", "provider": "openai",
        "model": "gpt-5-mini", "dialect": "openai", "endpoint": "/v1/chat/completions", "agent_id": "a_1",
        "run_id": "r_1", "task_id": "t_1", "epoch": 1, "cost_bound_nano_usd": 9_000,
    }  # fmt: skip
    return CallStarted(call_id=call_id, **(defaults | values))


def ended(call_id: str, **values: Any) -> CallEnded:
    """Its good end: 1,000 tokens in, 100 out, 450 nano-dollars."""
    defaults: dict[str, Any] = {
        "at_ns": START_NS + SECOND_NS, "outcome": "ok", "status": 200, "usage": Usage(input=1000, output=100),
        "cost_nano_usd": 450, "request_body": "question", "response_body": "answer",
    }  # fmt: skip
    return CallEnded(call_id=call_id, **(defaults | values))
