"""Files come in parts, survive whatever happens between them, and are whole in the end or not at all."""

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pointsman.contract import ErrorCode, KeyKind

from controlplane.access.callers import Caller
from controlplane.commands import CommandRefused
from controlplane.commands.uploads import MAX_OPEN, MAX_OPEN_EACH, Announcement, Uploads

FILE = Announcement("report.pdf", "application/pdf", 10)
DAY_MS = 24 * 3600 * 1000


async def in_chunks(*chunks: bytes):
    for chunk in chunks:
        yield chunk


def code_of(no) -> ErrorCode:
    return no.value.refusal.code


async def test_a_file_in_two_parts_is_a_content_with_its_hash(uploads, service, run, parts):
    begun = await uploads.begin(run, "cmd_u", FILE)
    assert (begun.offset, begun.sha256) == (0, None)
    half = await uploads.append(run, begun.upload_id, 0, in_chunks(b"01234"))
    assert (half.offset, half.sha256) == (5, None)
    whole = await uploads.append(run, begun.upload_id, 5, in_chunks(b"56", b"789"))
    assert (whole.offset, whole.sha256) == (10, hashlib.sha256(b"0123456789").hexdigest())
    assert await service.blobs.get(whole.sha256) == b"0123456789"
    assert await parts.length(begun.upload_id) == 0
    assert await uploads.look(run, begun.upload_id) == whole


async def test_an_empty_file_is_complete_at_once(uploads, run):
    view = await uploads.begin(run, "cmd_u", replace(FILE, size_bytes=0))
    assert view.sha256 == hashlib.sha256(b"").hexdigest()


async def test_the_same_beginning_again_is_the_same_upload(uploads, run):
    first = await uploads.begin(run, "cmd_u", FILE)
    await uploads.append(run, first.upload_id, 0, in_chunks(b"012"))
    again = await uploads.begin(run, "cmd_u", FILE)
    assert (again.upload_id, again.offset) == (first.upload_id, 3)
    with pytest.raises(CommandRefused) as no:
        await uploads.begin(run, "cmd_u", replace(FILE, size_bytes=11))
    assert code_of(no) is ErrorCode.IDEMPOTENCY_MISMATCH


@pytest.mark.parametrize("offset", [0, 2, 4, 10])
async def test_a_part_at_a_wrong_offset_is_refused_with_the_right_one(uploads, run, offset):
    upload_id = (await uploads.begin(run, "cmd_u", FILE)).upload_id
    await uploads.append(run, upload_id, 0, in_chunks(b"012"))
    with pytest.raises(CommandRefused) as no:
        await uploads.append(run, upload_id, offset, in_chunks(b"3"))
    assert (code_of(no), no.value.refusal.detail["offset"]) == (ErrorCode.UPLOAD_OFFSET_MISMATCH, 3)


async def test_a_complete_file_takes_nothing_more_but_says_so_again(uploads, run):
    upload_id = (await uploads.begin(run, "cmd_u", FILE)).upload_id
    whole = await uploads.append(run, upload_id, 0, in_chunks(b"0123456789"))
    assert await uploads.append(run, upload_id, 10, in_chunks()) == whole
    with pytest.raises(CommandRefused) as no:
        await uploads.append(run, upload_id, 0, in_chunks(b"0123456789"))
    assert no.value.refusal.detail["offset"] == 10


async def test_another_file_than_announced_is_refused_and_can_be_sent_again(uploads, run):
    sha256 = hashlib.sha256(b"0123456789").hexdigest()
    upload_id = (await uploads.begin(run, "cmd_u", replace(FILE, sha256=sha256))).upload_id
    with pytest.raises(CommandRefused) as no:
        await uploads.append(run, upload_id, 0, in_chunks(b"0123456780"))
    assert code_of(no) is ErrorCode.CHECKSUM_MISMATCH
    assert (await uploads.look(run, upload_id)).offset == 0
    assert (await uploads.append(run, upload_id, 0, in_chunks(b"0123456789"))).sha256 == sha256


async def test_a_file_over_the_limit_is_refused_with_the_limit(uploads, run):
    with pytest.raises(CommandRefused) as no:
        await uploads.begin(run, "cmd_u", replace(FILE, size_bytes=1_000_001))
    assert code_of(no) is ErrorCode.REQUEST_TOO_LARGE
    assert no.value.refusal.detail["limit_bytes"] == 1_000_000


@pytest.mark.parametrize("length", [None, 11])
async def test_more_than_was_announced_is_never_a_content(uploads, run, length):
    upload_id = (await uploads.begin(run, "cmd_u", FILE)).upload_id
    with pytest.raises(CommandRefused) as no:
        await uploads.append(run, upload_id, 0, in_chunks(b"0123456789", b"x"), length)
    assert code_of(no) is ErrorCode.REQUEST_TOO_LARGE
    view = await uploads.look(run, upload_id)
    assert (view.offset, view.sha256) == (0, None)


async def test_a_part_that_is_known_to_be_too_long_costs_nothing_of_what_came(uploads, run):
    upload_id = (await uploads.begin(run, "cmd_u", FILE)).upload_id
    await uploads.append(run, upload_id, 0, in_chunks(b"012"))
    with pytest.raises(CommandRefused):
        await uploads.append(run, upload_id, 3, in_chunks(b"3456789x"), 8)
    assert (await uploads.look(run, upload_id)).offset == 3


async def test_no_run_agent_or_key_can_fill_the_house_alone(uploads, run):
    for number in range(MAX_OPEN_EACH):
        view = await uploads.begin(run, f"cmd_{number}", FILE)
    with pytest.raises(CommandRefused) as no:
        await uploads.begin(run, "cmd_more", FILE)
    assert code_of(no) is ErrorCode.TOO_MANY_UPLOADS
    await uploads.begin(run, "cmd_3", FILE)  # a repeated one is not one more
    await uploads.append(run, view.upload_id, 0, in_chunks(b"0123456789"))
    await uploads.begin(run, "cmd_more", FILE)


async def test_a_workspace_has_so_many_files_on_their_way_at_most(uploads, run):
    callers = [Caller(KeyKind.ADMIN, f"k_{n}", run.workspace_id, "script") for n in range(MAX_OPEN // MAX_OPEN_EACH)]
    for number in range(MAX_OPEN):
        await uploads.begin(callers[number % len(callers)], f"cmd_{number}", FILE)
    with pytest.raises(CommandRefused) as no:
        await uploads.begin(run, "cmd_u", FILE)
    assert code_of(no) is ErrorCode.TOO_MANY_UPLOADS


async def test_an_upload_is_its_owners_alone(uploads, run, agent_id):
    upload_id = (await uploads.begin(run, "cmd_u", FILE)).upload_id
    agent = Caller(KeyKind.AGENT, "k_1", run.workspace_id, "writer", agent_id)
    admin = Caller(KeyKind.ADMIN, "k_2", run.workspace_id, "script")
    for friend in (run, agent, admin):
        assert (await uploads.look(friend, upload_id)).upload_id == upload_id
    strangers = (
        replace(agent, agent_id="a_2"),
        replace(run, run_id="r_2", key_id="r_2"),
        replace(admin, workspace_id="w_2"),
        replace(agent, workspace_id="w_2"),
    )
    for stranger in strangers:
        with pytest.raises(CommandRefused) as no:
            await uploads.look(stranger, upload_id)
        assert code_of(no) is ErrorCode.NOT_FOUND


async def test_what_an_agent_began_its_runs_may_hand_in(uploads, run, agent_id):
    agent = Caller(KeyKind.AGENT, "k_1", run.workspace_id, "writer", agent_id)
    upload_id = (await uploads.begin(agent, "cmd_u", FILE)).upload_id
    assert (await uploads.look(run, upload_id)).upload_id == upload_id


async def test_a_file_that_came_whole_before_a_kill_is_finished_by_whoever_looks(uploads, parts, run):
    upload_id = (await uploads.begin(run, "cmd_u", FILE)).upload_id
    await parts.append(upload_id, 0, in_chunks(b"0123456789"), 10)  # and here `web` died
    assert (await uploads.look(run, upload_id)).sha256 == hashlib.sha256(b"0123456789").hexdigest()


async def test_an_upload_taken_back_is_gone(uploads, parts, run):
    upload_id = (await uploads.begin(run, "cmd_u", FILE)).upload_id
    await uploads.append(run, upload_id, 0, in_chunks(b"012"))
    await uploads.forget(run, upload_id)
    assert await parts.length(upload_id) == 0
    with pytest.raises(CommandRefused):
        await uploads.look(run, upload_id)


@dataclass
class Client:
    """Sends a file in pieces of `chunk` bytes, knows only what it was told, and meets whatever may happen."""

    make_uploads: Callable[[], Uploads]
    path: Path  # of the half-arrived file
    run: Caller
    content: bytes
    chunk: int
    offset: int = 0

    def __post_init__(self) -> None:
        self.uploads = self.make_uploads()

    async def begin(self, command_id: str) -> None:
        announced = Announcement("x", "text/plain", len(self.content))
        self.command_id = command_id
        self.upload_id = (await self.uploads.begin(self.run, command_id, announced)).upload_id

    async def send(self, size: int) -> None:
        """What the refusal says is where it goes on."""
        part = self.content[self.offset : self.offset + size]
        chunks = in_chunks(*(part[k : k + self.chunk] for k in range(0, len(part), self.chunk)))
        try:
            view = await self.uploads.append(self.run, self.upload_id, self.offset, chunks, len(part))
        except CommandRefused as no:
            self.offset = no.refusal.detail["offset"]
        else:
            self.offset = view.offset

    async def send_twice(self, size: int) -> None:
        known = self.offset
        await self.send(size)
        self.offset = known
        await self.send(size)

    async def lose_answer(self, size: int) -> None:
        known = self.offset
        await self.send(size)
        self.offset = known

    async def break_off(self, size: int) -> None:
        async def broken():
            yield self.content[self.offset : self.offset + size // 2]
            raise ConnectionError("gone")

        with suppress(ConnectionError, CommandRefused):
            await self.uploads.append(self.run, self.upload_id, self.offset, broken())

    async def kill(self, size: int) -> None:
        """What had reached the disk stays, and another process goes on."""
        view = await self.uploads.look(self.run, self.upload_id)
        if view.sha256 is None:
            with (self.path / self.upload_id).open("ab") as file:
                file.write(self.content[view.offset : view.offset + size // 2])
        self.uploads = self.make_uploads()

    async def ask(self, _size: int) -> None:
        self.offset = (await self.uploads.look(self.run, self.upload_id)).offset

    async def begin_again(self, _size: int) -> None:
        known = self.upload_id
        await self.begin(self.command_id)
        assert self.upload_id == known

    async def finish(self) -> str:
        for _ in range(1000 // 250 + 2):
            view = await self.uploads.look(self.run, self.upload_id)
            if view.sha256 is not None:
                return view.sha256
            self.offset = view.offset
            await self.send(250)
        raise AssertionError("it never becomes complete")


STEP = st.tuples(
    st.sampled_from(["send", "send_twice", "lose_answer", "break_off", "kill", "ask", "begin_again"]),
    st.integers(1, 400),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=st.binary(max_size=900), steps=st.lists(STEP, max_size=10), chunk=st.integers(1, 300))
async def test_whatever_happens_between_and_in_parts_the_file_arrives_as_it_was_sent(
    service, database, clock, run, parts, tmp_path, content, steps, chunk
):
    home = tmp_path / "home" / "uploads"
    home.mkdir(exist_ok=True)
    clock.ms += 1

    def make_uploads() -> Uploads:
        return Uploads(database, service.blobs, parts, clock, max_bytes=1000)

    client = Client(make_uploads, home, run, content, chunk)
    await client.begin(f"cmd_{clock.ms}")
    for what, size in steps:
        await getattr(client, what)(size)
    sha256 = await client.finish()
    assert sha256 == hashlib.sha256(content).hexdigest()
    assert await service.blobs.get(sha256) == content
    assert not (home / client.upload_id).exists()


async def test_an_incomplete_upload_cannot_be_handed_in(uploads, run):
    upload_id = (await uploads.begin(run, "cmd_u", FILE)).upload_id
    with pytest.raises(CommandRefused) as no:
        await uploads.complete(run, upload_id)
    assert code_of(no) is ErrorCode.INVALID_REQUEST
    assert "0 of 10" in no.value.refusal.message
