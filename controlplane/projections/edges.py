"""Who waits for whom. What requests under way ask for (`commands/dependencies.py`) is theirs."""

from functools import cache

from sqlalchemy import Connection, delete

from controlplane.domain.state import TaskState
from controlplane.store.tables import TaskEdge
from controlplane.store.upsert import Insert, insert_for, table_of


def write_edges(connection: Connection, state: TaskState) -> None:
    """The task's own edges become exactly those of its state."""
    edges = table_of(TaskEdge)
    own = edges.c.task_id == state.task_id
    is_gone = edges.c.blocker_id.not_in(list(state.blockers))
    connection.execute(delete(edges).where(own, is_gone))
    if not state.blockers:
        return
    ends = {"task_id": state.task_id, "workspace_id": state.workspace_id}
    connection.execute(
        _insert_edge(connection.dialect.name), [{**ends, "blocker_id": blocker_id} for blocker_id in state.blockers]
    )


@cache
def _insert_edge(dialect: str) -> Insert:
    return insert_for(dialect, TaskEdge).on_conflict_do_nothing()
