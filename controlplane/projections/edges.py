"""Who waits for whom. A tentative edge (`commands/dependencies.py`) belongs to a request under way, not to us."""

from functools import cache

from sqlalchemy import Connection, delete, or_

from controlplane.domain.state import TaskState
from controlplane.store.tables import TaskEdge
from controlplane.store.upsert import Insert, insert_for, table_of


def write_edges(connection: Connection, state: TaskState, now_ms: int) -> None:
    """The task's own edges become exactly those of its state."""
    edges = table_of(TaskEdge)
    own = edges.c.task_id == state.task_id
    is_gone = edges.c.blocker_id.not_in(list(state.blockers))
    is_settled = or_(edges.c.tentative_until_ms.is_(None), edges.c.tentative_until_ms < now_ms)
    connection.execute(delete(edges).where(own, is_gone, is_settled))
    if not state.blockers:
        return
    ends = {"task_id": state.task_id, "workspace_id": state.workspace_id, "tentative_until_ms": None}
    connection.execute(
        _upsert_edge(connection.dialect.name), [{**ends, "blocker_id": blocker_id} for blocker_id in state.blockers]
    )


@cache
def _upsert_edge(dialect: str) -> Insert:
    return insert_for(dialect, TaskEdge).on_conflict_do_update(
        index_elements=["task_id", "blocker_id"], set_={"tentative_until_ms": None}
    )
