"""A control database in a test's hands, and the gateway's policy that reads it."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from controlplane.gateway.destinations import Destinations
from controlplane.gateway.policy import SqlPolicySource
from controlplane.settings import Home, Settings
from tests.fakes.databases import create_databases, insert, opened

NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000


@dataclass
class HandClock:
    ms: int = NOW_MS

    def now_ms(self) -> int:
        return self.ms

    def seconds(self) -> float:
        return self.ms / 1000


@dataclass
class Office:
    """The control database, as `web` would write it, and a gateway's policy that reads it."""

    control: sqlite3.Connection
    reading: sqlite3.Connection
    home: Home
    clock: HandClock = field(default_factory=HandClock)

    def policy(self) -> SqlPolicySource:
        destinations = Destinations(Settings(home=self.home, config_file=self.home.root / "pointsman.yaml"), {})
        return SqlPolicySource(self.reading, self.clock, self.clock.seconds, destinations, "full")

    def start_run(self, run_id: str = "r_1", **values: object) -> None:
        defaults: dict[str, object] = {
            "run_id": run_id, "workspace_id": "w", "task_id": "t_1", "task_number": 12, "agent_id": "a_1", "number": 1,
            "epoch": 1, "state": "running", "key_digest": f"digest of {run_id}", "started_at_ms": 1, "reason": "",
            "progress": "", "revision": 1,
        }  # fmt: skip
        insert(self.control, "runs", **(defaults | values))
        self.tell("run", run_id)

    def end_run(self, run_id: str, state: str, reason: str = "") -> None:
        self.control.execute(
            "UPDATE runs SET state = ?, reason = ?, ended_at_ms = ? WHERE run_id = ?",
            (state, reason, self.clock.now_ms(), run_id),
        )
        self.tell("run", run_id)

    def make_key(self, key_id: str = "k_1", kind: str = "agent", agent_id: str | None = "a_1") -> None:
        insert(
            self.control, "keys", key_id=key_id, workspace_id="w", kind=kind, agent_id=agent_id, name="key",
            key_digest=f"digest of {key_id}", tail="abcd", created_at_ms=1,
        )  # fmt: skip
        self.tell("key", key_id)

    def make_task(self, task_id: str = "t_1", *, is_blocked: bool = False, holds: str = "[]") -> None:
        insert(
            self.control, "tasks", task_id=task_id, workspace_id="w", project_id="p", number=12, title="Task",
            status="in_progress", status_since_ms=1, needs="[]", priority=3, is_claimable=0, is_blocked=is_blocked,
            changes_requested=0, needs_human="", needs_human_kind="", holds=holds, has_changed_upstream=0,
            review_problem="", version=0, created_by="Ada", created_at_ms=1, updated_at_ms=1, execution_id="",
            execution_generation=0, revision=1, state_json="{}",
        )  # fmt: skip

    def freeze(self, scope: str, subject_id: str, reason: str = "") -> None:
        insert(
            self.control, "freezes", scope=scope, subject_id=subject_id, workspace_id="w", root_id=subject_id,
            reason=reason, actor_kind="person", actor_id="u_1", actor_name="Ada", at_ms=1,
        )  # fmt: skip
        self.tell("freeze", subject_id)

    def thaw(self, scope: str, subject_id: str) -> None:
        self.control.execute("DELETE FROM freezes WHERE scope = ? AND subject_id = ?", (scope, subject_id))
        self.tell("freeze", subject_id)

    def set_state(self, run_id: str, state: str) -> None:
        self.control.execute("UPDATE runs SET state = ? WHERE run_id = ?", (state, run_id))
        self.tell("run", run_id)

    def tell(self, topic: str, subject_id: str) -> None:
        insert(self.control, "outbox", workspace_id="w", topic=topic, subject_id=subject_id, at_ms=1)


@contextmanager
def opened_office(root: Path) -> Iterator[Office]:
    home = create_databases(root)
    with ExitStack() as stack:
        control = stack.enter_context(opened(home.control_database))
        reading = stack.enter_context(opened(home.control_database))
        yield Office(control, reading, home)
