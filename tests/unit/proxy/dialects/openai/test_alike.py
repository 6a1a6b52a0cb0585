"""Many alike chunks in one block are read at once, and say what they say when they come one by one."""

from itertools import accumulate
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.canonical.events import TextDelta
from proxy.dialects.openai.decoder import LONG
from tests.unit.proxy.dialects.openai.playing import DONE, FIRST, STOP, UNUSUAL, chunk, decode

TEXTS = tuple(f"piece {number} of an answer, " for number in range(30))
LAST = [STOP, DONE]


def one_by_one(frames: list[bytes]) -> list[Any]:
    return decode(b"".join(frames), list(accumulate(map(len, frames)))[:-1])


def test_the_stream_of_these_tests_is_long_enough() -> None:
    frames = [FIRST, *(chunk({"content": text}) for text in TEXTS), *LAST]
    assert sum(map(len, frames)) > 2 * LONG
    assert max(map(len, [*frames, *UNUSUAL])) < LONG
    events = decode(b"".join(frames), [])
    assert [event.text for event in events if isinstance(event, TextDelta)] == list(TEXTS)


@pytest.mark.parametrize("place", [0, 1, 2, 3, 4, 15, 30, 31])
@pytest.mark.parametrize("other", UNUSUAL)
def test_an_unusual_chunk_anywhere_changes_nothing(place: int, other: bytes) -> None:
    frames = [FIRST, *(chunk({"content": text}) for text in TEXTS), *LAST]
    frames.insert(place, other)
    assert decode(b"".join(frames), []) == one_by_one(frames)


@given(
    texts=st.lists(st.text() | st.sampled_from(['","', "\\", '"', "\n\n", "\t", 'data: {"content":"']), max_size=20),
    others=st.lists(st.tuples(st.integers(0, 50), st.sampled_from(UNUSUAL)), max_size=3),
    cuts=st.lists(st.integers(0, 8000), max_size=3),
    is_ascii=st.booleans(),
)
@settings(deadline=None)
def test_whatever_the_chunks_say_they_say_at_any_cut(
    texts: list[str], others: list[tuple[int, bytes]], cuts: list[int], *, is_ascii: bool
) -> None:
    frames = [FIRST, *(chunk({"content": text}, is_ascii=is_ascii) for text in (*TEXTS, *texts)), *LAST]
    for place, other in others:
        frames.insert(min(place, len(frames) - 1), other)
    stream = b"".join(frames)
    assert decode(stream, [cut for cut in cuts if cut < len(stream)]) == one_by_one(frames)
