"""Reading a run of alike frames at once finds what reading each of them finds."""

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.dialects.openai.tap import OpenAIStreamReader
from proxy.dialects.reading import Reading
from proxy.wire.mould import learn


def frame(delta: dict[str, object], **rest: object) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": rest.pop("finish_reason", None)}
    return b"data: " + orjson.dumps({"id": "c_1", "model": "m", "choices": [choice], **rest}) + b"\n\n"


FIRST = frame({"role": "assistant", "content": "First"})
LAST = frame({"content": "end"}, finish_reason="stop")
USAGE = b'data: {"id":"c_1","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}\n\n'
DONE = b"data: [DONE]\n\n"


def read(blocks: list[bytes], *, is_one_by_one: bool = False) -> tuple[object, ...]:
    reader = OpenAIStreamReader()
    if is_one_by_one:
        reader._tried = 1_000_000  # nothing is learnt
    usage_only = sum(reader.read(block) for block in blocks)
    reading: Reading = reader.reading
    return (
        reading.digest(), reading.output_characters, reading.stop_reason, reading.usage, reading.is_complete,
        reading.error_code, usage_only,
    )  # fmt: skip


TEXTS = st.lists(
    st.text() | st.sampled_from(['","', "\\", '"', '"}', "\n\n", 'data: {"content":"', "\x00"]), max_size=12
)
OTHERS = st.sampled_from(
    [
        frame({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}),
        frame({"content": "a", "refusal": "no"}),
        frame({"content": "a"}, error={"code": "broken"}),
        frame({"content": "x", "tool_calls": [{"index": 1, "function": {"name": "g", "arguments": ""}}]}),
        frame({"reasoning_content": "hm"}),
        b": keep-alive\n\n",
        b"event: message\ndata: {}\n\n",
        b'data: {"choices":[{"index":0,"delta":{"content":"a","content":"b"}}]}\n\n',
        b"data: not json\n\n",
        USAGE,
    ]
)


@given(texts=TEXTS, other=OTHERS, at=st.integers(0, 12), cut=st.integers(0, 5000))
def test_a_block_is_read_as_its_frames_are_one_by_one(texts: list[str], other: bytes, at: int, cut: int) -> None:
    frames = [FIRST, *(frame({"content": text}) for text in texts), LAST, USAGE, DONE]
    frames.insert(1 + min(at, len(texts)), other)
    cut %= len(frames)
    blocks = [block for block in (b"".join(frames[:cut]), b"".join(frames[cut:])) if block]
    assert read(blocks) == read(frames, is_one_by_one=True)


def test_a_run_of_alike_frames_is_read_without_decoding_each() -> None:
    one, two, three = (frame({"content": text}) for text in ("one", "t\\wo \u00fc", "three"))
    mould = learn(one[6:-2], b"content", "one")
    assert mould is not None
    block = FIRST + one + two + three + LAST + DONE
    assert mould.cast(block) == (len(FIRST), "onet\\wo \u00fcthree", len(FIRST + one + two + three))
    assert mould.cast(FIRST + USAGE) is None


@pytest.mark.parametrize("text", ["", 'a "quoted" word', "back\\slash", "line\nbreak"])
def test_nothing_is_learnt_from_a_text_that_is_not_plain_to_see(text: str) -> None:
    assert learn(frame({"content": text})[6:-2], b"content", text) is None


def test_nothing_is_learnt_where_two_members_have_the_name() -> None:
    event = frame({"content": "one"}, message={"content": "two"})[6:-2]
    assert learn(event, b"content", "one") is None
