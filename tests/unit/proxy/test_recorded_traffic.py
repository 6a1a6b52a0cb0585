"""The readers against recorded answers of many providers that nobody of this project wrote."""

import json
import random
from collections.abc import Iterator
from typing import Any

from proxy.dialects.anthropic.tap import AnthropicStreamReader, read_anthropic_body
from proxy.dialects.openai.tap import OpenAIStreamReader, read_openai_body, without_usage
from proxy.dialects.reading import Reading
from proxy.wire.sse import FrameCutter
from tests.unit.proxy.dialects.recorded import needs_recordings, recorded, recorded_at

APIS = {"chat_completions": "openai", "messages": "anthropic"}
SEED = 3

pytestmark = needs_recordings


def exchanges() -> Iterator[tuple[str, dict[str, Any]]]:
    for exchange in recorded_at(*APIS):
        if exchange["response"]:
            yield APIS[exchange["api"]], exchange


def read_stream(dialect: str, stream: bytes, cuts: list[int]) -> tuple[Reading, bytes]:
    reader = AnthropicStreamReader() if dialect == "anthropic" else OpenAIStreamReader()
    cutter, passed, start = FrameCutter(), b"", 0
    for cut in [*sorted(cuts), len(stream)]:
        block = cutter.feed(stream[start:cut])
        reader.read(block)
        passed, start = passed + block, cut
    rest = cutter.close()
    reader.read(rest)
    return reader.reading, passed + rest


def seen(reading: Reading) -> tuple[Any, ...]:
    return (
        reading.usage, reading.stop_reason, reading.model, reading.response_id, reading.is_complete,
        reading.error_code, reading.output_characters, reading.digest(),
    )  # fmt: skip


def test_every_cut_of_a_recorded_stream_reads_the_same_and_passes_the_same() -> None:
    random.seed(SEED)
    count = 0
    for dialect, exchange in exchanges():
        if text := exchange["response"].get("sse_text"):
            stream = text.encode()
            whole, passed = read_stream(dialect, stream, [])
            assert passed == stream
            for width in (1, 2, 5, 50):
                cuts = random.choices(range(len(stream)), k=width)
                pieces, passed = read_stream(dialect, stream, cuts)
                assert (seen(pieces), passed) == (seen(whole), stream), exchange["id"]
            count += 1
    assert count > 300


def test_a_recorded_stream_is_complete_and_has_usage_wherever_its_provider_sent_it() -> None:
    for dialect, exchange in exchanges():
        text = exchange["response"].get("sse_text")
        if not text or exchange["response"]["status"] != 200:
            continue
        reading, _ = read_stream(dialect, text.encode(), [])
        end = "message_stop" if dialect == "anthropic" else "[DONE]"
        assert reading.is_complete == (end in text), exchange["id"]
        if '"usage":{' in text.replace(" ", ""):
            assert reading.usage is not None, exchange["id"]
        if reading.is_complete and not reading.error_code:
            assert reading.model, exchange["id"]


def test_a_recorded_body_is_read_with_the_counts_that_stand_in_it() -> None:
    count = 0
    for dialect, exchange in exchanges():
        body = exchange["response"].get("body")
        if not isinstance(body, dict):
            continue
        read = read_anthropic_body if dialect == "anthropic" else read_openai_body
        reading = read(json.dumps(body).encode())
        usage = body.get("usage") or {}
        if dialect == "openai" and usage.get("prompt_tokens"):
            found = reading.usage
            assert found is not None
            assert found.input + found.cache_read + found.cache_write_5m == usage["prompt_tokens"], exchange["id"]
            assert found.output >= (usage.get("completion_tokens") or 0)
            count += 1
        elif dialect == "anthropic" and usage and "iterations" not in usage:  # compaction is counted beside the message
            found = reading.usage
            assert found is not None
            assert (found.input, found.output) == (usage["input_tokens"], usage["output_tokens"])
            assert found.cache_write_5m + found.cache_write_1h == (usage.get("cache_creation_input_tokens") or 0)
            count += 1
        elif body.get("error"):
            assert reading.error_code, exchange["id"]
    assert count > 1000


def test_stripping_usage_leaves_every_other_recorded_frame_alone() -> None:
    for dialect, exchange in exchanges():
        text = exchange["response"].get("sse_text")
        if dialect == "openai" and text:
            stream = text.encode()
            stripped = without_usage(stream, 1)
            if stripped != stream:
                frames = [frame for frame in text.split("\n\n") if frame.encode() not in stripped]
                assert len(frames) == 1, exchange["id"]
                assert '"usage"' in frames[0]
                assert '"choices":[]' in frames[0].replace(" ", "")


def test_no_recorded_body_of_any_other_kind_makes_a_reader_fail() -> None:
    for exchange in recorded():
        response = exchange["response"] or {}
        text = (response.get("sse_text") or json.dumps(response.get("body"))).encode()
        for dialect in APIS.values():
            read_stream(dialect, text, [len(text) // 2])
        read_openai_body(text)
        read_anthropic_body(text)
