"""What is left when a run is over, read where it lies: the two databases, the spool, the provider's own count."""

import json
import sqlite3
import time
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from controlplane.domain.events import Event
from controlplane.domain.evolve import evolve
from controlplane.domain.state import CLOSED, TaskState
from tests.product import Product

Row = dict[str, Any]
SETTLE_SECONDS = 90.0
QUIET_SECONDS = 2.0


def query(database: Path, statement: str, *values: object) -> list[Row]:
    """Rows of one of the product's databases, which is left as it is."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(statement, values)]


@dataclass(frozen=True)
class Evidence:
    """Everything that the checks look at."""

    tasks: dict[str, Row]  # by id
    events: dict[str, list[Row]]  # by task, in order
    edges: list[Row]
    runs: dict[str, Row]
    agents: dict[str, str]  # names by id
    comments: list[Row]
    calls: list[Row]
    usage: dict[str, Row]  # by run
    counted: list[Row]  # what the provider says it was asked


@dataclass(frozen=True)
class Moment:
    """One event with the task before and after it."""

    row: Row
    before: TaskState | None
    after: TaskState

    @property
    def is_closing(self) -> bool:
        was_open = self.before is None or self.before.status not in CLOSED
        return was_open and self.after.status in CLOSED


def collect(product: Product) -> Evidence:
    """Reads it all, after `settled`."""
    control, calls = product.home / "control.sqlite", product.home / "calls.sqlite"
    events = defaultdict[str, list[Row]](list)
    for row in query(control, "SELECT * FROM task_events ORDER BY task_id, revision, position"):
        events[row["task_id"]].append(row)
    return Evidence(
        tasks={row["task_id"]: row for row in query(control, "SELECT * FROM tasks")},
        events=dict(events),
        edges=query(control, "SELECT * FROM task_edges"),
        runs={row["run_id"]: row for row in query(control, "SELECT * FROM runs")},
        agents={row["agent_id"]: row["name"] for row in query(control, "SELECT agent_id, name FROM agents")},
        comments=query(control, "SELECT * FROM comments"),
        calls=query(calls, "SELECT * FROM calls"),
        usage={row["run_id"]: row for row in query(control, "SELECT * FROM run_usage")},
        counted=_counted(str(product.run_file["simulated"]["url"])),
    )


def _counted(url: str) -> list[Row]:
    answer = httpx2.get(f"{url}/sim/calls", trust_env=False, timeout=20).raise_for_status()
    return list(answer.json())


def settled(product: Product) -> list[str]:
    """Waits until nothing more is written; what still moved when time was up, if anything did."""
    deadline, quiet_since, last = time.monotonic() + SETTLE_SECONDS, time.monotonic(), -1
    moving: list[str] = []
    while time.monotonic() < deadline:
        moving, seq = _moving(product), _last_change(product)
        if moving or seq != last:
            quiet_since, last = time.monotonic(), seq
        elif time.monotonic() - quiet_since > QUIET_SECONDS:
            return []
        time.sleep(0.2)
    return moving or ["the outbox still grew"]


def _moving(product: Product) -> list[str]:
    calls = product.home / "calls.sqlite"
    open_calls = query(calls, "SELECT COUNT(*) AS n FROM calls WHERE outcome = ''")[0]["n"]
    stale = query(calls, "SELECT COUNT(*) AS n FROM stale_rollups")[0]["n"]
    live = query(product.home / "control.sqlite", "SELECT COUNT(*) AS n FROM runs WHERE ended_at_ms IS NULL")[0]["n"]
    words = ((open_calls, "calls in flight"), (stale, "runs whose cost is not told"), (live, "live runs"))
    return [f"{count} {what}" for count, what in words if count]


def _last_change(product: Product) -> int:
    return int(query(product.home / "control.sqlite", "SELECT COALESCE(MAX(seq), 0) AS n FROM outbox")[0]["n"])


def replayed(rows: list[Row]) -> list[Moment]:
    """The task's life as its activity tells it, by the product's own rule of what an event changes."""
    state: TaskState | None = None
    moments = []
    for row in rows:
        after = evolve(state, _event(row))
        moments.append(Moment(row, state, after))
        state = after
    return moments


def _event(row: Row) -> Event:
    actor = {"kind": row["actor_kind"], "id": row["actor_id"], "name": row["actor_name"]}
    body = json.loads(row["body"]) if isinstance(row["body"], str) else row["body"]
    return msgspec.convert({**body, "kind": row["kind"], "at_ms": row["at_ms"], "actor": actor}, type=Event)
