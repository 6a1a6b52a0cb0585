"""What SQL has of a task already. The API has mostly written a command through before the workflow's own projection
comes: then a look is all that is left to do, and a look waits for nobody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from sqlalchemy import Connection, Select, bindparam, func, select

from controlplane.ports import Applied
from controlplane.store.tables import Task, TaskEvent
from controlplane.store.upsert import table_of


@dataclass(frozen=True, slots=True)
class Known:
    """From which execution SQL has the task (None: not at all), and what `project` would still write."""

    execution_id: str | None
    missing: tuple[Applied, ...]


def look_up(connection: Connection, applied: Sequence[Applied]) -> Known:
    """Of some commands of one task. Writes nothing."""
    task_id = applied[0].state.task_id
    row = connection.execute(_row(), {"id": task_id}).first()
    if row is None:
        return Known(None, tuple(applied))
    revisions = [one.state.revision for one in applied]
    counted = connection.execute(_events(), {"id": task_id, "revisions": revisions})
    events: dict[int, int] = {revision: count for revision, count in counted}  # noqa: C416 - dict(rows) loses the types
    missing = tuple(
        one
        for one in applied
        if one.execution_id != row.execution_id
        or one.state.revision > row.revision
        or len(one.events) > events.get(one.state.revision, 0)
    )
    return Known(row.execution_id, missing)


@cache
def _row() -> Select[str, int]:
    columns = table_of(Task).c
    return select(columns.execution_id, columns.revision).where(columns.task_id == bindparam("id"))


@cache
def _events() -> Select[int, int]:
    columns = table_of(TaskEvent).c
    of_these = columns.revision.in_(bindparam("revisions", expanding=True))
    return (
        select(columns.revision, func.count())
        .where(columns.task_id == bindparam("id"), of_these)
        .group_by(columns.revision)
    )
