from pathlib import Path

import pytest

from proxy.answers import FileAnswerStore
from proxy.errors import IdempotencyMismatch
from proxy.ports import Answer

HOUR = 3_600_000_000_000


class HandClock:
    def __init__(self) -> None:
        self.ns = 1_800_000_000_000_000_000

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns


ANSWER = Answer("c_1", "digest", 200, "text/event-stream", b"data: \xff\n\nmore\n")


def test_an_answer_is_kept_for_its_owner_and_key(tmp_path: Path) -> None:
    store = FileAnswerStore(tmp_path, HandClock())
    assert store.begin("r_1", "k", "digest") is None
    store.keep("r_1", "k", ANSWER)
    assert FileAnswerStore(tmp_path, HandClock()).begin("r_1", "k", "digest") == ANSWER
    assert store.begin("r_2", "k", "digest") is None


def test_another_request_under_the_same_key_is_a_mismatch(tmp_path: Path) -> None:
    store = FileAnswerStore(tmp_path, HandClock())
    store.keep("r_1", "k", ANSWER)
    with pytest.raises(IdempotencyMismatch):
        store.begin("r_1", "k", "other")


def test_a_marker_of_a_dead_process_is_counted_and_asked_again(tmp_path: Path) -> None:
    FileAnswerStore(tmp_path, HandClock()).begin("r_1", "k", "digest")  # and it dies
    store = FileAnswerStore(tmp_path, HandClock())
    assert store.begin("r_1", "k", "digest") is None
    assert store.orphans == 1
    store.keep("r_1", "k", ANSWER)
    assert not list(tmp_path.rglob("*.asking"))


def test_a_forgotten_key_is_asked_again_and_is_no_orphan(tmp_path: Path) -> None:
    store = FileAnswerStore(tmp_path, HandClock())
    store.begin("r_1", "k", "digest")
    store.forget("r_1", "k")
    assert store.begin("r_1", "k", "digest") is None
    assert store.orphans == 0


def test_an_answer_lives_for_24_hours_over_midnight_and_is_swept_after(tmp_path: Path) -> None:
    clock = HandClock()
    store = FileAnswerStore(tmp_path, clock)
    store.begin("r_1", "k", "digest")
    store.keep("r_1", "k", ANSWER)
    clock.ns += 23 * HOUR
    assert store.begin("r_1", "k", "digest") == ANSWER
    clock.ns += 2 * HOUR
    assert store.begin("r_1", "k", "digest") is None
    store.forget("r_1", "k")
    clock.ns += 72 * HOUR
    store.begin("r_9", "k", "digest")
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [
        path.name for path in tmp_path.rglob("*.asking")
    ]


def test_a_call_that_begins_before_midnight_and_ends_after_leaves_no_marker(tmp_path: Path) -> None:
    clock = HandClock()
    store = FileAnswerStore(tmp_path, clock)
    store.begin("r_1", "k", "digest")
    clock.ns += 20 * HOUR
    store.keep("r_1", "k", ANSWER)
    assert not list(tmp_path.rglob("*.asking"))


def test_keys_may_hold_anything(tmp_path: Path) -> None:
    store = FileAnswerStore(tmp_path, HandClock())
    store.keep("../..", "/etc/passwd\0ü", ANSWER)
    assert store.begin("../..", "/etc/passwd\0ü", "digest") == ANSWER
    assert {path.parent.parent for path in tmp_path.rglob("*") if path.is_file()} == {tmp_path}
