import orjson
import pytest

from proxy.dialects.taps import body_reader, stream_reader
from proxy.errors import Dialect
from proxy.records import Usage
from proxy.wire.aws_events import render_message


def message(name: str, **payload: object) -> bytes:
    headers = {":message-type": "event", ":event-type": name, ":content-type": "application/json"}
    return render_message(headers, orjson.dumps(payload))


def test_a_stream_of_bedrock_is_read_as_it_passes() -> None:
    reader = stream_reader("bedrock")()
    messages = [
        message("messageStart", role="assistant"),
        message("contentBlockDelta", contentBlockIndex=0, delta={"text": "Hi"}),
        message("messageStop", stopReason="max_tokens"),
        message("metadata", usage={"inputTokens": 3, "outputTokens": 1, "cacheReadInputTokens": 2}),
    ]
    seen = []
    for one in messages:
        reader.read(one)
        seen.append((reader.reading.has_begun, reader.reading.is_complete))

    reading = reader.reading
    assert seen == [(False, False), (True, False), (True, False), (True, True)]
    assert (reading.is_complete, reading.stop_reason, reading.usage) == (
        True,
        "max_tokens",
        Usage(input=3, cache_read=2, output=1),
    )


def test_an_exception_in_a_stream_is_its_error() -> None:
    reader = stream_reader("bedrock")()
    headers = {":message-type": "exception", ":exception-type": "throttlingException"}
    reader.read(render_message(headers, b'{"message":"Slow down."}'))

    assert (reader.reading.error_code, reader.reading.error_message) == ("throttlingException", "Slow down.")


@pytest.mark.parametrize(
    ("dialect", "body", "expected"),
    [
        (
            "bedrock",
            {
                "output": {"message": {"role": "assistant", "content": [{"text": "Hi"}]}},
                "stopReason": "end_turn",
                "usage": {"inputTokens": 3, "outputTokens": 1},
            },
            ("end_turn", 3, 1),
        ),
        (
            "cohere",
            {
                "id": "c1",
                "message": {"role": "assistant", "content": [{"type": "text", "text": "Hi"}]},
                "finish_reason": "COMPLETE",
                "usage": {"billed_units": {"input_tokens": 3, "output_tokens": 1}},
            },
            ("COMPLETE", 3, 1),
        ),
    ],
)
def test_a_whole_answer_says_usage_and_end(
    dialect: Dialect, body: dict[str, object], expected: tuple[str, int, int]
) -> None:
    reading = body_reader(dialect)(orjson.dumps(body))

    assert reading.usage is not None
    assert (reading.stop_reason, reading.usage.input, reading.usage.output) == expected
    assert reading.is_complete
    assert reading.digest()


@pytest.mark.parametrize(
    ("dialect", "body", "code", "message"),
    [
        ("bedrock", b'{"__type":"com.amazon#ThrottlingException","message":"Slow."}', "ThrottlingException", "Slow."),
        ("cohere", b'{"id":"e","message":"No such model."}', "", "No such model."),
        ("cohere", b"<html>", "", ""),
    ],
)
def test_an_error_is_no_answer(dialect: Dialect, body: bytes, code: str, message: str) -> None:
    reading = body_reader(dialect)(body)

    assert (reading.usage, reading.error_code, reading.error_message) == (None, code, message)
