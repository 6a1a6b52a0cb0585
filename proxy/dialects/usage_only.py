"""What answers of other endpoints say about their usage: embeddings, images, speech, transcriptions, rerank.

The counts stand in `usage`, under the names of chat completions or of responses; Cohere's in `meta`, Google's in
`usageMetadata`, Mistral's of a document in `usage_info`, Groq's of a transcription at the top. In a stream they come
with the event that ends it. A batch tells its own sum, too, as often as it is asked: that is not what asking costs.
"""

from contextlib import suppress
from typing import Any

import msgspec
import orjson
from msgspec.structs import replace

from proxy.dialects.billed import billed_usd, to_nano_usd
from proxy.dialects.reading import Reading, count_of, member, text_of
from proxy.records import Usage
from proxy.wire.sse import parse_data

_LONGEST_SECONDS = 10**7
_ENDINGS = (".done", ".completed")  # transcript.text.done, speech.audio.done, image_generation.completed


class UsageReader:
    """Reads a stream of such an endpoint."""

    __slots__ = ("reading",)

    def __init__(self) -> None:
        self.reading = Reading()

    def read(self, block: bytes) -> int:
        for event in parse_data(block):
            if event == b"[DONE]":
                self.reading.is_complete = True
                continue
            try:
                content = orjson.loads(event)
            except orjson.JSONDecodeError:
                continue
            _take(content, self.reading)
            if text_of(member(content, "type")).endswith(_ENDINGS):
                self.reading.is_complete = True
        return 0


def read_usage(body: bytes) -> Reading:
    """Reads a whole answer, be it an error."""
    reading = Reading(is_complete=True)
    with suppress(msgspec.MsgspecError):  # not ours to judge
        _take(msgspec.json.decode(body), reading)
    return reading


def _take(content: Any, reading: Reading) -> None:
    reading.model = text_of(member(content, "model")) or reading.model
    reading.response_id = text_of(member(content, "id")) or reading.response_id
    if (usage := _find(content)) is not None and (found := _usage(usage)) is not None:
        reading.usage = found
    error = member(content, "error")
    if error:
        reading.error_code = text_of(member(error, "code")) or text_of(member(error, "type")) or "error"
        reading.error_message = text_of(member(error, "message"))


def _find(content: Any) -> dict[str, Any] | None:
    if member(content, "object") == "batch":
        return None
    candidates = (
        member(content, "usage"),
        member(content, "usageMetadata"),
        member(member(content, "meta"), "billed_units"),
        member(content, "usage_info"),
        content if member(content, "duration") and "text" in content else None,
    )
    return next((one for one in candidates if isinstance(one, dict) and one), None)


def _usage(usage: dict[str, Any]) -> Usage | None:
    """None for what counts nothing that is known. Google's tells the kinds of what it read."""
    if "promptTokenCount" in usage:
        from proxy.dialects.gemini.usage import parse_usage  # noqa: PLC0415 - most never need it

        return parse_usage({"candidatesTokenCount": 0, **usage})
    found, beside = _tokens(usage), parse_counted(usage)
    if found is None:
        return beside if beside.units or beside.searches else None
    return replace(found, units=beside.units) if beside.units else found


def parse_counted(usage: dict[str, Any]) -> Usage:
    """What is not counted in tokens: transcriptions by their length, documents by pages, rerank by the search."""
    units = {
        "audio_ms": milliseconds_of(usage.get("seconds") or usage.get("prompt_audio_seconds") or usage.get("duration")),
        "pages": count_of(usage.get("pages_processed")),
        "characters": count_of(usage.get("characters") or usage.get("input_characters")),
    }
    return Usage(
        searches=count_of(usage.get("search_units")),
        units={name: count for name, count in units.items() if count} or None,
    )


def milliseconds_of(seconds: object) -> int:
    """Of a number, or of one that is written as a text."""
    try:
        length = float(seconds) if isinstance(seconds, int | float | str) else 0.0
    except ValueError:
        return 0
    return round(length * 1000) if 0 < length < _LONGEST_SECONDS else 0


def _tokens(usage: dict[str, Any]) -> Usage | None:
    details = (
        usage.get("input_token_details") or usage.get("input_tokens_details") or usage.get("prompt_tokens_details")
    )
    whole_input = count_of(usage.get("input_tokens", usage.get("prompt_tokens")))
    output = count_of(usage.get("output_tokens", usage.get("completion_tokens")))
    if not whole_input and not output:
        whole_input = count_of(usage.get("total_tokens"))
    if not whole_input and not output:
        return None
    made = usage.get("output_tokens_details") or usage.get("output_token_details")
    cached = min(count_of(member(details, "cached_tokens")), whole_input)
    return Usage(
        input=whole_input - cached,
        cache_read=cached,
        output=output,
        audio_input=count_of(member(details, "audio_tokens")),
        audio_output=count_of(member(made, "audio_tokens")),
        image_input=count_of(member(details, "image_tokens")),
        image_output=count_of(member(made, "image_tokens")),
        billed_nano_usd=to_nano_usd(
            billed_usd(usage.get("cost"), details=usage.get("cost_details"), is_byok=usage.get("is_byok"))
        ),
    )
