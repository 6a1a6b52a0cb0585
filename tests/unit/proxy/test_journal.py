"""Records that wait for the end of a turn, and those that do not."""

import asyncio

import orjson

from proxy.journal import Journal
from proxy.records import CallProgress


class Sink:
    def __init__(self, error: OSError | None = None) -> None:
        self.writes: list[list[str]] = []
        self.error = error

    def write(self, *records: bytes) -> None:
        if self.error is not None:
            raise self.error
        self.writes.append([orjson.loads(record)["call_id"] for record in records])

    def close(self) -> None:
        self.writes.append(["closed"])


def record(name: str) -> CallProgress:
    return CallProgress(name, 1, 2, 3)


async def test_records_of_one_turn_are_one_append_and_only_then_does_anybody_go_on() -> None:
    sink, seen = Sink(), list[str]()
    journal = Journal(sink)
    for name in ("a", "b"):
        journal.enter(record(name), lambda error, name=name: seen.append(f"{name} {error} {sink.writes}"))
    assert (sink.writes, seen) == ([], [])
    await asyncio.sleep(0)
    assert sink.writes == [["a", "b"]]
    assert seen == ["a None [['a', 'b']]", "b None [['a', 'b']]"]


async def test_what_is_entered_by_who_goes_on_is_for_the_next_turn() -> None:
    sink, done = Sink(), asyncio.Event()
    journal = Journal(sink)
    journal.enter(record("a"), lambda _: journal.enter(record("b"), lambda _: done.set()))
    async with asyncio.timeout(5):
        await done.wait()
    assert sink.writes == [["a"], ["b"]]


async def test_a_record_that_cannot_wait_comes_after_those_that_were_entered_before_it() -> None:
    sink, seen = Sink(), list[str]()
    journal = Journal(sink)
    journal.enter(record("a"), lambda _: seen.append("a"))
    journal.write(record("b"))
    assert (sink.writes, seen) == ([["a"], ["b"]], ["a"])
    await asyncio.sleep(0)
    assert sink.writes == [["a"], ["b"]]


async def test_a_full_disk_is_told_to_everybody_who_waited() -> None:
    full, told = OSError(28, "No space left on device"), list[OSError | None]()
    journal = Journal(Sink(full))
    for name in ("a", "b"):
        journal.enter(record(name), told.append)
    await asyncio.sleep(0)
    assert told == [full, full]


async def test_what_was_entered_is_written_before_the_log_is_closed() -> None:
    sink = Sink()
    journal = Journal(sink)
    journal.enter(record("a"), lambda _: None)
    journal.close()
    assert sink.writes == [["a"], ["closed"]]
