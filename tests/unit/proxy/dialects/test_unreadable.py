"""What of an answer cannot be read passes all the same: bytes that are no UTF-8, and nests too deep for any parser."""

import msgspec
import pytest

from proxy.call import Head
from proxy.dialects.taps import body_reader, stream_reader
from proxy.errors import Dialect
from proxy.fingerprint import label

DEEP = b"[" * 100_000 + b"]" * 100_000
EVENTS: dict[Dialect, bytes] = {
    "openai": b'{"id":"x","model":"m","choices":[{"index":0,"delta":{"content":%b}}]}',
    "anthropic": b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":%b}}',
    "responses": b'{"type":"response.output_text.delta","item_id":"i","output_index":0,"delta":%b}',
    "gemini": b'{"candidates":[{"content":{"parts":[{"text":%b}]}}],"modelVersion":"g"}',
    "cohere": b'{"type":"content-delta","index":0,"delta":{"message":{"content":{"text":%b}}}}',
}


@pytest.mark.parametrize("value", [b'"a\xffb"', DEEP], ids=["no UTF-8", "deep"])
@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize("dialect", EVENTS)
def test_an_answer_that_cannot_be_read_fails_nobody(dialect: Dialect, count: int, value: bytes) -> None:
    event = EVENTS[dialect] % value
    reader = stream_reader(dialect)()
    assert reader.read(b"data: %b\n\n" % event * count) == 0
    assert reader.reading.usage is None
    assert body_reader(dialect)(event).usage is None


@pytest.mark.parametrize("value", [b'"a\xffb"', DEEP], ids=["no UTF-8", "deep"])
def test_a_message_that_cannot_be_read_has_no_label(value: bytes) -> None:
    assert label(Head(messages=[msgspec.Raw(b'{"role":"user","content":%b}' % value)])) == ""
