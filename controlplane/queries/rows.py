"""The tables as queries name them, and the one way to run a query: rows of plain values, never ORM objects."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Executable, Row, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.store.call_tables import CALLS_METADATA
from controlplane.store.tables import CONTROL_METADATA

TASKS = CONTROL_METADATA.tables["tasks"]
EDGES = CONTROL_METADATA.tables["task_edges"]
EVENTS = CONTROL_METADATA.tables["task_events"]
RUNS = CONTROL_METADATA.tables["runs"]
DELIVERABLES = CONTROL_METADATA.tables["deliverables"]
COMMENTS = CONTROL_METADATA.tables["comments"]
NOTICES = CONTROL_METADATA.tables["notices"]
SIGNALS = CONTROL_METADATA.tables["signals"]
USAGE = CONTROL_METADATA.tables["run_usage"]
AGENTS = CONTROL_METADATA.tables["agents"]
USERS = CONTROL_METADATA.tables["users"]
PROJECTS = CONTROL_METADATA.tables["projects"]
PROCESSES = CONTROL_METADATA.tables["processes"]
OUTBOX = CONTROL_METADATA.tables["outbox"]
CALLS = CALLS_METADATA.tables["calls"]
BODIES = CALLS_METADATA.tables["call_bodies"]
ATTEMPTS = CALLS_METADATA.tables["call_attempts"]


async def rows(
    session: AsyncSession, statement: Executable, values: Mapping[str, object] | None = None
) -> Sequence[Row[Any]]:
    """All rows of a query, with values for what it leaves open."""
    return (await session.execute(statement, values)).all()


async def first_row(session: AsyncSession, statement: Executable) -> Row[Any] | None:
    """The first row of a query, or None."""
    return (await session.execute(statement)).first()


async def newest_seq(session: AsyncSession) -> int:
    """The last change that was announced; what is read after this is at least as new."""
    row = await first_row(session, select(func.max(OUTBOX.c.seq)))
    return int(row[0] or 0) if row else 0
