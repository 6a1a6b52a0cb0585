import os
import struct
import zlib
from pathlib import Path

from proxy.clock import SystemClock
from proxy.spool import SpoolReader, SpoolWriter


def writer(folder: Path, segment_bytes: int = 1 << 20) -> SpoolWriter:
    return SpoolWriter(folder, SystemClock(), segment_bytes=segment_bytes)


def read_all(reader: SpoolReader) -> list[bytes]:
    return [record for batch in reader.read() for record in batch.records]


def test_records_come_out_in_the_order_they_went_in_while_the_writer_lives(tmp_path: Path) -> None:
    spool, reader = writer(tmp_path), SpoolReader(tmp_path)
    spool.write(b"one")
    assert read_all(reader) == [b"one"]
    spool.write(b"two")
    spool.write(b"three")
    (batch,) = reader.read()
    assert (batch.records, batch.skipped, batch.is_finished) == ([b"two", b"three"], 0, False)
    assert list(reader.read()) == []
    spool.close()


def test_a_reader_goes_on_from_the_positions_it_is_given(tmp_path: Path) -> None:
    spool = writer(tmp_path)
    spool.write(b"one")
    (first,) = SpoolReader(tmp_path).read()
    spool.write(b"two")
    assert read_all(SpoolReader(tmp_path, {first.segment: first.position})) == [b"two"]
    spool.close()


def test_a_limit_leaves_the_rest_for_the_next_time(tmp_path: Path) -> None:
    spool, reader = writer(tmp_path), SpoolReader(tmp_path)
    for number in range(5):
        spool.write(b"%d" % number)
    assert [next(reader.read(2)).records for _ in range(3)] == [[b"0", b"1"], [b"2", b"3"], [b"4"]]
    spool.close()


def test_a_segment_that_is_full_is_followed_by_another_and_may_be_deleted_once_read(tmp_path: Path) -> None:
    spool, reader = writer(tmp_path, segment_bytes=30), SpoolReader(tmp_path)
    for number in range(4):
        spool.write(b"record %d" % number)  # 16 bytes each
    batches = list(reader.read())
    assert [batch.records for batch in batches] == [[b"record %d" % number] for number in range(4)]
    assert [batch.is_finished for batch in batches] == [True, True, True, False]
    for batch in batches[:3]:
        reader.delete(batch.segment)
    spool.close()
    (last,) = reader.read()
    assert (last.records, last.is_finished) == ([], True)
    reader.delete(last.segment)
    assert list(tmp_path.iterdir()) == []


def test_a_torn_last_record_is_waited_for_while_its_writer_lives_and_skipped_once_it_is_dead(tmp_path: Path) -> None:
    spool, reader = writer(tmp_path), SpoolReader(tmp_path)
    spool.write(b"whole")
    (segment,) = reader.segments()
    with (tmp_path / segment).open("ab") as file:
        file.write(struct.pack("<II", 100, 0) + b"half")
    assert read_all(reader) == [b"whole"]
    assert list(reader.read()) == []
    spool.close()
    (batch,) = reader.read()
    assert (batch.records, batch.skipped, batch.is_finished) == ([], 1, True)


def test_a_damaged_record_is_skipped_and_counted(tmp_path: Path) -> None:
    spool, reader = writer(tmp_path), SpoolReader(tmp_path)
    spool.write(b"one")
    spool.write(b"two")
    (segment,) = reader.segments()
    path = tmp_path / segment
    damaged = bytearray(path.read_bytes())
    damaged[9] ^= 1
    path.write_bytes(damaged)
    (batch,) = reader.read()
    assert (batch.records, batch.skipped) == ([b"two"], 1)
    spool.close()


def test_a_length_beyond_all_sense_ends_the_reading(tmp_path: Path) -> None:
    spool, reader = writer(tmp_path), SpoolReader(tmp_path)
    (segment,) = reader.segments()
    (tmp_path / segment).write_bytes(struct.pack("<II", 2**32 - 1, zlib.crc32(b"x")) + b"x")
    spool.close()
    (batch,) = reader.read()
    assert (batch.records, batch.skipped, batch.is_finished) == ([], 1, True)


def test_two_writers_keep_apart(tmp_path: Path) -> None:
    first, second = writer(tmp_path), writer(tmp_path)
    first.write(b"a")
    second.write(b"b")
    assert sorted(read_all(SpoolReader(tmp_path))) == [b"a", b"b"]
    first.close()
    second.close()


def test_a_segment_of_a_dead_writer_is_finished_whoever_has_its_pid_now(tmp_path: Path) -> None:
    writer(tmp_path).close()
    (name,) = SpoolReader(tmp_path).segments()
    assert name.endswith(f"-{os.getpid()}.spool")
    (batch,) = SpoolReader(tmp_path).read()
    assert batch.is_finished


def test_a_directory_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert list(SpoolReader(tmp_path / "none").read()) == []
