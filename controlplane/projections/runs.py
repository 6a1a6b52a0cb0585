"""A task's runs, as the gateway, the agents and the board read them."""

from pointsman.contract import derive_run_key, digest
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import LIVE, Run, RunState, TaskState
from controlplane.store.outbox import announce
from controlplane.store.tables import Run as RunRow
from controlplane.store.upsert import insert_into, table_of


async def write_runs(session: AsyncSession, state: TaskState, master_key: bytes, now_ms: int) -> None:
    """Every run the state remembers; those whose state changed are announced, for the gateway to reload."""
    columns = table_of(RunRow).c
    rows = await session.execute(select(columns.run_id, columns.state).where(columns.task_id == state.task_id))
    known: dict[str, str] = {run_id: run_state for run_id, run_state in rows}  # noqa: C416 - dict(rows) loses the types
    for run in state.runs:
        if known.get(run.run_id) != run.state.value:
            await _write_run(session, state, run, master_key)
            announce(session, state.workspace_id, "run", run.run_id, now_ms)
    remembered = {run.run_id for run in state.runs}
    for run_id, was in known.items():
        if was in LIVE and run_id not in remembered:
            await _end_forgotten_run(session, run_id, now_ms)
            announce(session, state.workspace_id, "run", run_id, now_ms)


async def _write_run(session: AsyncSession, state: TaskState, run: Run, master_key: bytes) -> None:
    changing = {
        "state": run.state.value,
        "ended_at_ms": run.ended_at_ms,
        "reason": run.reason,
        "revision": state.revision,
    }
    insert = insert_into(session, RunRow).values(
        run_id=run.run_id,
        workspace_id=state.workspace_id,
        task_id=state.task_id,
        task_number=state.number,
        agent_id=run.agent_id,
        number=run.number,
        epoch=run.epoch,
        key_digest=digest(derive_run_key(master_key, run.run_id, run.epoch)),
        started_at_ms=run.started_at_ms,
        seen_at_ms=run.started_at_ms,  # the claim itself is a sign of life
        progress="",
        **changing,
    )
    await session.execute(insert.on_conflict_do_update(index_elements=["run_id"], set_=changing))


async def _end_forgotten_run(session: AsyncSession, run_id: str, now_ms: int) -> None:
    """A reset can take back a claim. Its run must not look alive, nor its key work."""
    await session.execute(
        update(table_of(RunRow))
        .where(table_of(RunRow).c.run_id == run_id)
        .values(state=RunState.SUPERSEDED.value, ended_at_ms=now_ms, reason="taken back by a reset")
    )
