"""Takes away what nobody will ask for again: abandoned uploads, and contents that no row refers to.

Kept in any case: what is younger than a day (its row may be about to be written), what was put since the oldest live
run began (an agent of our own keeps its conversation in the blob store, known to its workflow alone), and what is older
than the database itself (one that was lost may be rebuilt, and then refer to it again). Killed in between, it has done
a part; the next sweep does the rest. Safe to run in several processes at once.
"""

from dataclasses import dataclass

from sqlalchemy import delete, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.blobs.parts import DirectoryParts
from controlplane.commands.uploads import KEPT_MS
from controlplane.domain.state import LIVE
from controlplane.ports import BlobStore
from controlplane.store.database import Database
from controlplane.store.tables import Checkpoint, DeliverableRow, LateDeliverable, Run, Upload, Workspace
from controlplane.store.upsert import table_of


@dataclass(frozen=True, slots=True)
class Swept:
    """How much was taken away."""

    uploads: int
    contents: int
    unfinished: int


async def sweep_leftovers(database: Database, blobs: BlobStore, parts: DirectoryParts, now_ms: int) -> Swept:
    """One sweep; hourly is often enough."""
    before_ms = now_ms - KEPT_MS
    uploads = await _forget_uploads(database, parts, before_ms)
    async with database.reading() as session:
        oldest_run_ms = await _oldest_live_run_ms(session)
        oldest_ms = await _database_since_ms(session)
    contents_before_ms = before_ms if oldest_run_ms is None else min(before_ms, oldest_run_ms)
    candidates = set(await blobs.names_before(contents_before_ms)) - set(await blobs.names_before(oldest_ms))
    async with database.reading() as session:  # after the names: a row written since then is seen
        unused = candidates - await _referred(session) if candidates else set()
    removed = [await blobs.remove_before(sha256, contents_before_ms) for sha256 in sorted(unused)]
    return Swept(uploads, sum(removed), await blobs.forget_debris(before_ms))


async def _forget_uploads(database: Database, parts: DirectoryParts, before_ms: int) -> int:
    """An upload lives by its row or by its file, whichever was touched last."""
    idle = set(await parts.idle_since(before_ms))
    columns = table_of(Upload).c
    async with database.transaction() as session:
        found = await session.execute(select(columns.upload_id).where(columns.touched_at_ms < before_ms))
        old = set(found.scalars())
        growing = {upload_id for upload_id in old - idle if await parts.length(upload_id)}
        forgotten = old - growing
        await session.execute(delete(table_of(Upload)).where(columns.upload_id.in_(forgotten)))
        kept = set((await session.execute(select(columns.upload_id))).scalars())
    for upload_id in forgotten | (idle - kept):
        await parts.discard(upload_id)
    return len(forgotten)


async def _oldest_live_run_ms(session: AsyncSession) -> int | None:
    columns = table_of(Run).c
    found = await session.execute(select(func.min(columns.started_at_ms)).where(columns.state.in_(LIVE)))
    oldest: int | None = found.scalar()
    return oldest


async def _database_since_ms(session: AsyncSession) -> int:
    found = await session.execute(select(func.min(table_of(Workspace).c.created_at_ms)))
    return found.scalar() or 0


async def _referred(session: AsyncSession) -> set[str]:
    late = table_of(LateDeliverable).c
    columns = (table_of(table).c.sha256 for table in (DeliverableRow, Checkpoint, Upload))
    wanted = select(late.sha256).where(late.discarded_at_ms.is_(None))
    found = await session.execute(union(wanted, *(select(column) for column in columns)))
    return set(found.scalars()) - {None}
