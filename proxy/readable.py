"""Kept bodies of calls as what was said in them, whatever their dialect: for pages, never for deciding anything.

A body may have been cut, redacted or malformed: then there is nothing to read here, and it is shown as it was sent.
"""

from collections.abc import Sequence

import orjson

from proxy.canonical.failure import Failure
from proxy.canonical.folding import Folder
from proxy.canonical.parts import Part
from proxy.canonical.request import Message
from proxy.dialects.bedrock.lines import from_lines
from proxy.dialects.registry import codec
from proxy.errors import Dialect, ProxyError


def read_request(dialect: Dialect, text: str) -> Sequence[Message]:
    """The conversation that was sent, system first. Empty when it cannot be read."""
    try:
        body = orjson.loads(text)
        return codec(dialect).parse_request(body).messages if isinstance(body, dict) else ()
    except (ProxyError, orjson.JSONDecodeError):
        return ()


def read_answer(dialect: Dialect, text: str) -> Sequence[Part]:
    """The parts of the first choice, of a whole answer or a stream. Empty when there are none, or for an error."""
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return _read_stream(dialect, text.encode())
    if not isinstance(body, dict) or body.get("error"):
        return ()
    choices = codec(dialect).parse_answer(body).choices
    return choices[0].parts if choices else ()


def read_failure(dialect: Dialect, status: int, text: str) -> Failure:
    """What went wrong, by the body of an error."""
    return codec(dialect).parse_failure(status, {}, text.encode())


def _read_stream(dialect: Dialect, data: bytes) -> Sequence[Part]:
    """What came before the cut, too."""
    if dialect == "bedrock":
        data = from_lines(data.decode())
    decoder, folder = codec(dialect).decoder(), Folder(dialect)
    for event in (*decoder.feed(data), *decoder.close()):
        folder.take(event)
    choices = folder.answer.choices
    return choices[0].parts if choices else ()
