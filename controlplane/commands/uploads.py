"""Files on their way in, part by part, until they are contents of the blob store.

A row says what was announced, by whom; the file beside the blobs says how much has come (`blobs/parts.py`). A `web`
that is killed between any two steps loses nothing: the client asks where to go on, and whoever looks at an upload that
has all its bytes finishes it. Finishing copies into the store, writes the row, removes the file, in this order, and may
happen twice. What nobody goes on with is forgotten a day after its last part (`commands/leftovers.py`).
"""

import hashlib
from collections.abc import AsyncIterable
from dataclasses import dataclass

from pointsman.contract import ErrorCode, KeyKind
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.callers import Caller
from controlplane.blobs.parts import DirectoryParts, TooLong, WrongOffset
from controlplane.commands.desk import refused
from controlplane.domain.commands import without_content
from controlplane.ports import BlobStore, Clock
from controlplane.store.database import Database
from controlplane.store.tables import Run, Upload
from controlplane.store.upsert import insert_into, table_of

MAX_OPEN = 100  # files of one workspace on their way at once
MAX_OPEN_EACH = 20  # of one run, agent or key: none of them can shut the others out alone
KEPT_MS = 24 * 3600 * 1000  # after its last part


@dataclass(frozen=True, slots=True)
class Announcement:
    """What a client says of a file before it sends it. Stored, shown, never trusted."""

    name: str
    media_type: str
    size_bytes: int
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class UploadView:
    """How far a file has come; `sha256` is there when it is complete."""

    upload_id: str
    name: str
    media_type: str
    size_bytes: int
    offset: int
    sha256: str | None
    expires_at_ms: int


class Uploads:
    """The verbs of uploads. Holds no state of its own: any `web` may go on with what another one began."""

    def __init__(
        self, database: Database, blobs: BlobStore, parts: DirectoryParts, clock: Clock, max_bytes: int
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._parts = parts
        self._clock = clock
        self.max_bytes = max_bytes

    async def begin(self, caller: Caller, command_id: str, announced: Announcement) -> UploadView:
        """The same upload for the same command id. An empty file is complete at once."""
        if announced.size_bytes > self.max_bytes:
            raise too_large(self.max_bytes)
        owner = caller.run_id or caller.agent_id or caller.key_id
        name = f"{caller.workspace_id}|{owner}|{without_content(command_id)}"
        upload_id = "up_" + hashlib.sha256(name.encode()).hexdigest()[:26]
        now_ms = self._clock.now_ms()
        new = Upload(
            upload_id=upload_id,
            workspace_id=caller.workspace_id,
            owner_id=owner,
            name=announced.name,
            media_type=announced.media_type,
            size_bytes=announced.size_bytes,
            expected_sha256=announced.sha256,
            created_at_ms=now_ms,
            touched_at_ms=now_ms,
        )
        async with self._database.transaction() as session:
            known = await session.get(Upload, upload_id)
            if known is None:
                await _check_room(session, caller.workspace_id, owner)
                await session.execute(insert_into(session, Upload).values(**new.model_dump()))
            elif _announcement(known) != announced:
                raise refused(ErrorCode.IDEMPOTENCY_MISMATCH, "This Idempotency-Key was used for another file.")
        return await self._settle(known or new)

    async def append(
        self, caller: Caller, upload_id: str, offset: int, chunks: AsyncIterable[bytes], length: int | None = None
    ) -> UploadView:
        """Takes a part that begins at `offset`. What came of it is kept, however it ends, but for too many bytes.

        A `length` that is known beforehand is checked before anything is taken.
        """
        row = await self._owned(caller, upload_id)
        if length is not None and offset + length > row.size_bytes:
            raise longer_than_announced(row.size_bytes, "Nothing of this part was taken.")
        if row.sha256 is not None:
            return await self._append_nothing(row, offset)
        try:
            received = await self._parts.append(upload_id, offset, chunks, row.size_bytes)
        except WrongOffset as wrong:
            view = await self._settle(await self._owned(caller, upload_id))
            raise offset_mismatch(view.offset if view.sha256 else wrong.length) from None
        except TooLong:
            await self._parts.discard(upload_id)
            raise longer_than_announced(row.size_bytes, "Send it again, from 0.") from None
        await self._note(row, received_bytes=received)
        return await self._settle(row)

    async def look(self, caller: Caller, upload_id: str) -> UploadView:
        """How far it has come. Raises CommandRefused(not_found), for somebody else's too."""
        return await self._settle(await self._owned(caller, upload_id))

    async def forget(self, caller: Caller, upload_id: str) -> None:
        """The client does not want it any more. What was handed in of it stays."""
        row = await self._owned(caller, upload_id)
        async with self._database.transaction() as session:
            await session.execute(delete(table_of(Upload)).where(table_of(Upload).c.upload_id == row.upload_id))
        await self._parts.discard(row.upload_id)

    async def complete(self, caller: Caller, upload_id: str) -> UploadView:
        """The same for one that is handed in: it stays for another day. Raises CommandRefused(invalid_request)."""
        row = await self._owned(caller, upload_id)
        view = await self._settle(row)
        if view.sha256 is None:
            arrived = f"{view.offset} of {view.size_bytes} bytes have arrived"
            raise refused(ErrorCode.INVALID_REQUEST, f"This upload is not complete: {arrived}.", field="upload_id")
        if not await self._note(row):
            raise refused(ErrorCode.NOT_FOUND, f"You have no upload {upload_id!r} any more.")
        return view

    async def _append_nothing(self, row: Upload, offset: int) -> UploadView:
        """A complete file takes no byte more, but a client may not have heard that it is complete."""
        if offset != row.size_bytes:
            raise offset_mismatch(row.size_bytes)
        return await self._settle(row)

    async def _settle(self, row: Upload) -> UploadView:
        """The upload as it stands, finished when all of it is there. Raises CommandRefused(checksum_mismatch)."""
        if row.sha256 is not None:
            return _view(row, row.size_bytes, row.sha256)
        offset = await self._parts.length(row.upload_id)
        if offset < row.size_bytes:
            return _view(row, offset, None)
        stored = await self._blobs.put_stream(self._parts.read(row.upload_id))
        if stored.size_bytes != row.size_bytes:  # another request finished or emptied it meanwhile
            async with self._database.reading() as session:
                now = await session.get(Upload, row.upload_id) or row
            return _view(row, row.size_bytes if now.sha256 else 0, now.sha256)
        if row.expected_sha256 not in {None, stored.sha256}:
            await self._parts.discard(row.upload_id)
            await self._note(row, received_bytes=0)
            raise checksum_mismatch(stored.sha256)
        await self._note(row, received_bytes=row.size_bytes, sha256=stored.sha256)
        await self._parts.discard(row.upload_id)
        return _view(row, row.size_bytes, stored.sha256)

    async def _note(self, row: Upload, **changes: object) -> bool:
        """Writes how far it has come, and that it was asked for now. False: it was forgotten meanwhile."""
        columns = table_of(Upload).c
        row.touched_at_ms = self._clock.now_ms()
        changes["touched_at_ms"] = row.touched_at_ms
        async with self._database.transaction() as session:
            known = await session.execute(
                update(table_of(Upload))
                .where(columns.upload_id == row.upload_id)
                .values(**changes)
                .returning(columns.upload_id)
            )
            return known.first() is not None

    async def _owned(self, caller: Caller, upload_id: str) -> Upload:
        async with self._database.reading() as session:
            row = await session.get(Upload, upload_id)
            if row is None or not await _may_use(session, caller, row):
                raise refused(ErrorCode.NOT_FOUND, f"You have no upload {upload_id!r}.")
            return row


async def _may_use(session: AsyncSession, caller: Caller, row: Upload) -> bool:
    """Whoever began it; of an agent's run, the agent; of an agent, its runs; and any admin of the workspace."""
    if row.workspace_id != caller.workspace_id:
        return False
    if caller.kind is KeyKind.ADMIN or row.owner_id in {caller.run_id, caller.agent_id, caller.key_id}:
        return True
    run = await session.get(Run, row.owner_id) if caller.kind is KeyKind.AGENT else None
    return run is not None and run.agent_id == caller.agent_id


async def _check_room(session: AsyncSession, workspace_id: str, owner_id: str) -> None:
    columns = table_of(Upload).c
    query = select(columns.owner_id).where(columns.workspace_id == workspace_id, columns.sha256.is_(None))
    owners = (await session.execute(query)).scalars().all()
    if len(owners) >= MAX_OPEN or owners.count(owner_id) >= MAX_OPEN_EACH:
        sentence = f"{len(owners)} files are on their way, {owners.count(owner_id)} of them yours. Finish some first."
        raise refused(ErrorCode.TOO_MANY_UPLOADS, f"{sentence} The abandoned ones are forgotten after a day.")


def _announcement(row: Upload) -> Announcement:
    return Announcement(row.name, row.media_type, row.size_bytes, row.expected_sha256)


def _view(row: Upload, offset: int, sha256: str | None) -> UploadView:
    expires_at_ms = row.touched_at_ms + KEPT_MS
    return UploadView(row.upload_id, row.name, row.media_type, row.size_bytes, offset, sha256, expires_at_ms)


def too_large(limit_bytes: int) -> Exception:
    """A file of more than the limit, which it says."""
    limit = f"A file may have {limit_bytes / 1024 / 1024:g} MiB here (POINTSMAN_MAX_FILE_MB)."
    return refused(ErrorCode.REQUEST_TOO_LARGE, limit, limit_bytes=limit_bytes)


def longer_than_announced(size_bytes: int, what_now: str) -> Exception:
    """More bytes than the client said there are."""
    sentence = f"This file was announced with {size_bytes} bytes, and these would be more. {what_now}"
    return refused(ErrorCode.REQUEST_TOO_LARGE, sentence, limit_bytes=size_bytes)


def offset_mismatch(offset: int) -> Exception:
    """A part that does not begin where the file ends."""
    return refused(ErrorCode.UPLOAD_OFFSET_MISMATCH, f"The file goes on at {offset}.", offset=offset)


def checksum_mismatch(sha256: str) -> Exception:
    """Another file than was announced."""
    sentence = f"What came has the SHA-256 {sha256}, not the announced one. Send it again, from 0."
    return refused(ErrorCode.CHECKSUM_MISMATCH, sentence, sha256=sha256, offset=0)
