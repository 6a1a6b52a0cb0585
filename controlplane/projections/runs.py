"""A task's runs, as the gateway, the agents and the board read them."""

from functools import cache

from pointsman.contract import derive_run_key, digest
from sqlalchemy import Connection, Select, bindparam, select, update

from controlplane.domain.state import LIVE, Run, RunState, TaskState
from controlplane.store.outbox import announce_in
from controlplane.store.tables import Run as RunRow
from controlplane.store.upsert import Insert, insert_for, table_of


def write_runs(connection: Connection, state: TaskState, master_key: bytes, now_ms: int) -> None:
    """Every run the state remembers; those whose state changed are announced, for the gateway to reload."""
    rows = connection.execute(_known_runs(), {"task_id": state.task_id})
    known: dict[str, str] = {run_id: run_state for run_id, run_state in rows}  # noqa: C416 - dict(rows) loses the types
    for run in state.runs:
        if known.get(run.run_id) != run.state.value:
            connection.execute(_upsert_run(connection.dialect.name), _row(state, run, master_key))
            announce_in(connection, state.workspace_id, "run", run.run_id, now_ms)
    remembered = {run.run_id for run in state.runs}
    for run_id, was in known.items():
        if was in LIVE and run_id not in remembered:
            _end_forgotten_run(connection, run_id, now_ms)
            announce_in(connection, state.workspace_id, "run", run_id, now_ms)


@cache
def _known_runs() -> Select[str, str]:
    columns = table_of(RunRow).c
    return select(columns.run_id, columns.state).where(columns.task_id == bindparam("task_id"))


@cache
def _upsert_run(dialect: str) -> Insert:
    insert = insert_for(dialect, RunRow)
    changing = {name: insert.excluded[name] for name in ("state", "ended_at_ms", "reason", "revision")}
    return insert.on_conflict_do_update(index_elements=["run_id"], set_=changing)


def _row(state: TaskState, run: Run, master_key: bytes) -> dict[str, object]:
    return {
        "run_id": run.run_id,
        "workspace_id": state.workspace_id,
        "task_id": state.task_id,
        "task_number": state.number,
        "agent_id": run.agent_id,
        "number": run.number,
        "epoch": run.epoch,
        "state": run.state.value,
        "key_digest": digest(derive_run_key(master_key, run.run_id, run.epoch)),
        "started_at_ms": run.started_at_ms,
        "ended_at_ms": run.ended_at_ms,
        "reason": run.reason,
        "seen_at_ms": run.started_at_ms,  # the claim itself is a sign of life
        "progress": "",
        "revision": state.revision,
    }


def _end_forgotten_run(connection: Connection, run_id: str, now_ms: int) -> None:
    """A reset can take back a claim. Its run must not look alive, nor its key work."""
    connection.execute(
        update(table_of(RunRow))
        .where(table_of(RunRow).c.run_id == run_id)
        .values(state=RunState.SUPERSEDED.value, ended_at_ms=now_ms, reason="taken back by a reset")
    )
