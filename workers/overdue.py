"""A review that nobody gives: after a while every admin is told; sooner, when an agent's first look does not come."""

from dataclasses import dataclass

import msgspec
from sqlalchemy import select

from controlplane.domain.review_rules import waits_for_first_pass
from controlplane.domain.state import TaskState, TaskStatus
from controlplane.projections.notices import Cause
from controlplane.store.database import Database
from controlplane.store.tables import Notice, Task
from controlplane.store.upsert import table_of
from workers.calling import call_admins, let_be

FIRST_PASS_MS = 900_000  # an agent that reviews answers within minutes, or is not there
OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A task in review, and what is said about its waiting."""

    workspace_id: str
    task_id: str
    version: int
    sentence: str


async def watch_reviews(control: Database, patience_ms: int, now_ms: int) -> int:
    """Gives and takes away what is overdue; how many notices changed. Reads only, when none has to."""
    waiting = await _waiting(control, min(FIRST_PASS_MS, patience_ms), patience_ms, now_ms)
    ids = {one.task_id for one in waiting}
    known = await _told(control)
    given, changed = [one for one in waiting if one.task_id not in known], 0
    gone = known - ids
    if not given and not gone:
        return 0
    notice = table_of(Notice).c
    async with control.transaction() as session:
        for one in given:
            cause = Cause(OVERDUE, str(one.version), one.sentence)
            changed += await call_admins(session, one.workspace_id, one.task_id, cause, now_ms)
        changed += await let_be(session, (notice.kind == OVERDUE) & notice.task_id.in_(sorted(gone)), now_ms)
    return changed


async def _waiting(control: Database, first_pass_ms: int, patience_ms: int, now_ms: int) -> list[Waiting]:
    task = table_of(Task).c
    query = select(task.workspace_id, task.task_id, task.status_since_ms, task.version, task.state_json).where(
        task.status == TaskStatus.IN_REVIEW, task.status_since_ms <= now_ms - first_pass_ms
    )
    async with control.reading() as session:
        rows = (await session.execute(query)).all()
    found = []
    for row in rows:
        sentence = _sentence(
            msgspec.json.decode(row.state_json, type=TaskState), now_ms - row.status_since_ms, patience_ms
        )
        if sentence:
            found.append(Waiting(row.workspace_id, row.task_id, row.version, sentence))
    return found


def _sentence(state: TaskState, waited_ms: int, patience_ms: int) -> str:
    if waited_ms >= patience_ms:
        hours = max(1, round(patience_ms / 3_600_000))
        return f"v{state.deliverables[-1].version} has waited for a review for more than {hours} h"
    if waits_for_first_pass(state) and state.review.first_pass is not None:
        return f"{state.review.first_pass.name} was to look first and says nothing; review it without"
    return ""


async def _told(control: Database) -> set[str]:
    notice = table_of(Notice).c
    async with control.reading() as session:
        told = select(notice.task_id).where(notice.kind == OVERDUE, notice.resolved_at_ms.is_(None))
        return set((await session.execute(told)).scalars())
