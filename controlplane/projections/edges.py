"""Who waits for whom. A tentative edge (`commands/dependencies.py`) belongs to a request under way, not to us."""

from sqlalchemy import delete, or_
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import TaskState
from controlplane.store.tables import TaskEdge
from controlplane.store.upsert import insert_into, table_of


async def write_edges(session: AsyncSession, state: TaskState, now_ms: int) -> None:
    """The task's own edges become exactly those of its state."""
    edges = table_of(TaskEdge)
    own = edges.c.task_id == state.task_id
    is_gone = edges.c.blocker_id.not_in(list(state.blockers))
    is_settled = or_(edges.c.tentative_until_ms.is_(None), edges.c.tentative_until_ms < now_ms)
    await session.execute(delete(edges).where(own, is_gone, is_settled))
    if not state.blockers:
        return
    insert = insert_into(session, TaskEdge)
    ends = {"task_id": state.task_id, "workspace_id": state.workspace_id, "tentative_until_ms": None}
    await session.execute(
        insert.on_conflict_do_update(index_elements=["task_id", "blocker_id"], set_={"tentative_until_ms": None}),
        [{**ends, "blocker_id": blocker_id} for blocker_id in state.blockers],
    )
