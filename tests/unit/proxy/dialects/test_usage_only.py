"""What answers beside conversations say of their usage. As their providers document them, November 2026."""

import json
from typing import Any

import pytest

from proxy.dialects.usage_only import UsageReader, read_usage
from proxy.records import Usage

HEARD = {"input_tokens": 14, "input_token_details": {"text_tokens": 10, "audio_tokens": 4}, "output_tokens": 9}
EMBEDDED = {"promptTokenCount": 7, "promptTokensDetails": [{"modality": "VIDEO", "tokenCount": 5}]}


@pytest.mark.parametrize(
    ("answer", "usage"),
    [
        ({"text": "", "usage": {"type": "duration", "seconds": 3}}, Usage(units={"audio_ms": 3000})),
        ({"text": "", "usage": {"type": "tokens", **HEARD}}, Usage(input=14, output=9, audio_input=4)),
        ({"text": "", "duration": 8.47, "x_groq": {"id": "r"}}, Usage(units={"audio_ms": 8470})),
        (
            {"text": "", "usage": {"prompt_audio_seconds": 203, "prompt_tokens": 4, "completion_tokens": 635}},
            Usage(input=4, output=635, units={"audio_ms": 203_000}),
        ),
        ({"results": [], "meta": {"billed_units": {"search_units": 2}}}, Usage(searches=2)),
        ({"embeddings": [], "meta": {"billed_units": {"input_tokens": 5}}}, Usage(input=5)),
        ({"pages": [], "usage_info": {"pages_processed": 3}}, Usage(units={"pages": 3})),
        (
            {"embeddings": [], "usageMetadata": EMBEDDED},
            Usage(input=7, units={"video_input": 5}),
        ),
        ({"data": [], "usage": {"total_tokens": 8}}, Usage(input=8)),
    ],
)
def test_each_is_counted_in_what_it_is_paid_by(answer: dict[str, Any], usage: Usage) -> None:
    assert read_usage(json.dumps(answer).encode()).usage == usage


@pytest.mark.parametrize(
    "answer",
    [
        {"object": "batch", "model": "gpt-5-mini", "usage": {"input_tokens": 9_000_000, "output_tokens": 1}},
        {"object": "file", "bytes": 120_000},
        {"duration": 8.47, "status": "queued"},
        {"text": "", "usage": {"type": "duration", "seconds": "long"}},
        {"usage": {}},
        [],
        None,
    ],
)
def test_what_is_not_used_is_not_counted(answer: Any) -> None:
    assert read_usage(json.dumps(answer).encode()).usage is None


def test_a_stream_of_a_transcription_tells_it_at_its_end() -> None:
    reader = UsageReader()
    reader.read(b'data: {"type":"transcript.text.delta","delta":"Hi"}\n\n')
    reader.read(b'data: {"type":"transcript.text.done","text":"Hi","usage":%s}\n\n' % json.dumps(HEARD).encode())
    assert (reader.reading.usage, reader.reading.is_complete) == (Usage(input=14, output=9, audio_input=4), True)
