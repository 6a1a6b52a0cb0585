"""Tasks as one names them: by number, or by a word of the title."""

from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import CLOSED
from controlplane.queries.rows import TASKS, rows
from controlplane.queries.subtasks import Part, part_of


async def tasks_named(session: AsyncSession, workspace_id: str, text: str, limit: int) -> tuple[Part, ...]:
    """Open tasks that the text may mean, the newest first; all of them for an empty one."""
    wanted = text.strip()
    number = wanted.upper().removeprefix("T-")
    columns = TASKS.c
    query = select(columns.number, columns.title, columns.status).where(
        columns.workspace_id == workspace_id, columns.status.not_in(CLOSED)
    )
    if number.isdecimal() and len(number) < 10:
        query = query.where(or_(columns.number == int(number), columns.title.icontains(wanted, autoescape=True)))
    elif wanted and wanted.upper() not in {"T", "T-"}:
        query = query.where(columns.title.icontains(wanted, autoescape=True))
    found = await rows(session, query.order_by(columns.number.desc()).limit(limit))
    return tuple(part_of(row) for row in found)
