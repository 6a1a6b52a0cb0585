"""What nobody will ask for again is taken away, and nothing else."""

import hashlib
import os

import pytest
from sqlalchemy import update

from controlplane.access.callers import Caller
from controlplane.commands import CommandRefused
from controlplane.commands.leftovers import Swept, sweep_leftovers
from controlplane.commands.uploads import KEPT_MS, Announcement
from controlplane.domain.commands import MoveTask
from controlplane.domain.state import TaskStatus
from controlplane.store.tables import Run, Upload, Workspace
from controlplane.store.upsert import table_of

FILE = Announcement("report.pdf", "application/pdf", 10)
DAY_MS = 24 * 3600 * 1000


async def in_chunks(*chunks: bytes):
    for chunk in chunks:
        yield chunk


def made_old(settings, ms: int) -> None:
    """Every file in the home's stores as if it had last been written then."""
    for folder in (settings.home.blobs, settings.home.uploads):
        for path in folder.rglob("*"):
            if path.is_file():
                os.utime(path, ns=(ms * 1_000_000,) * 2)


@pytest.fixture
def later(clock, settings):
    """Two days pass for everything that lies in the stores."""

    def pass_time() -> int:
        made_old(settings, clock.ms)
        clock.ms += 2 * DAY_MS
        return clock.ms

    return pass_time


@pytest.fixture
async def no_run(service, admin, run) -> Caller:
    """A run that has ended: a live one keeps everything that was put since it began."""
    await service.execute(admin.actor, "cmd_end", "T-1", MoveTask(TaskStatus.READY))
    return run


async def swept(database, service, parts, now_ms) -> Swept:
    return await sweep_leftovers(database, service.blobs, parts, now_ms)


async def test_an_abandoned_upload_is_forgotten_after_a_day(uploads, parts, database, service, no_run, later):
    upload_id = (await uploads.begin(no_run, "cmd_u", FILE)).upload_id
    await uploads.append(no_run, upload_id, 0, in_chunks(b"012"))
    assert (await swept(database, service, parts, 1_000_000)).uploads == 0
    assert (await swept(database, service, parts, later())).uploads == 1
    assert await parts.length(upload_id) == 0
    with pytest.raises(CommandRefused):
        await uploads.look(no_run, upload_id)


async def test_a_file_that_still_grows_is_kept_though_its_row_is_old(uploads, parts, database, service, no_run, later):
    upload_id = (await uploads.begin(no_run, "cmd_u", FILE)).upload_id
    now_ms = later()
    await parts.append(upload_id, 0, in_chunks(b"012"), 10)
    assert (await swept(database, service, parts, now_ms)).uploads == 0
    assert (await uploads.look(no_run, upload_id)).offset == 3


async def test_a_part_that_no_row_knows_is_taken_away(parts, database, service, no_run, later):
    await parts.append("up_unknown", 0, in_chunks(b"012"), 10)
    await swept(database, service, parts, later())
    assert await parts.length("up_unknown") == 0


async def test_contents_that_rows_refer_to_are_kept_and_others_are_not(
    service, database, parts, run, admin, settings, later
):
    async with database.transaction() as session:
        await session.execute(update(table_of(Workspace)).values(created_at_ms=1))
    await service.submit(run, b"handed in")
    (handed_in,) = service.engine.tasks[run.task_id].deliverables
    unused = await service.blobs.put(b"nobody's")
    with pytest.raises(CommandRefused):
        await service.submit(run, b"too late")
    late = hashlib.sha256(b"too late").hexdigest()
    assert (await swept(database, service, parts, later())).contents == 1
    assert await service.blobs.get(unused) is None
    assert await service.blobs.get(handed_in.sha256) == b"handed in"
    assert await service.blobs.get(late) == b"too late"


async def test_what_was_put_within_a_day_is_kept(service, database, parts, no_run, clock, settings):
    sha256 = await service.blobs.put(b"its row is about to be written")
    made_old(settings, clock.ms)
    assert (await swept(database, service, parts, clock.ms + KEPT_MS)).contents == 0
    assert await service.blobs.get(sha256) is not None


async def test_what_was_put_since_the_oldest_live_run_began_is_kept(service, database, parts, run, later):
    transcript = await service.blobs.put(b"an agent's conversation")
    assert (await swept(database, service, parts, later())).contents == 0
    assert await service.blobs.get(transcript) is not None
    async with database.transaction() as session:
        await session.execute(update(table_of(Run)).values(state="released"))
    assert (await swept(database, service, parts, later())).contents == 1


async def test_what_is_older_than_the_database_is_kept_for_it_may_be_rebuilt(service, database, parts, no_run, later):
    await service.blobs.put(b"of a database that was lost")
    now_ms = later()
    async with database.transaction() as session:
        await session.execute(update(table_of(Workspace)).values(created_at_ms=now_ms - DAY_MS - 1))
    assert (await swept(database, service, parts, now_ms)).contents == 0


async def test_a_complete_upload_keeps_its_content_until_it_is_forgotten(
    uploads, parts, database, service, no_run, later, clock
):
    upload_id = (await uploads.begin(no_run, "cmd_u", FILE)).upload_id
    sha256 = (await uploads.append(no_run, upload_id, 0, in_chunks(b"0123456789"))).sha256
    now_ms = later()
    await uploads.complete(no_run, upload_id)  # is being handed in
    assert await swept(database, service, parts, now_ms) == Swept(0, 0, 0)
    assert await service.blobs.get(sha256) is not None
    async with database.transaction() as session:
        await session.execute(update(table_of(Upload)).values(touched_at_ms=1))
    assert (await swept(database, service, parts, later())) == Swept(1, 1, 0)
