"""Reads generateContent while it passes, in either form of its streams.

Each chunk has the usage so far: the last one that has counts is true, even where it says less than one before. Nothing
marks the end: a stream is complete when a reason for its end came for each candidate that was seen, and counts.
"""

from typing import Any

import msgspec

from proxy.dialects.gemini.calls import to_json
from proxy.dialects.gemini.stops import finish_word
from proxy.dialects.gemini.usage import count_searches, has_counts, parse_usage, tier_of
from proxy.dialects.reading import UNREADABLE, Reading, member, text_of
from proxy.wire.json_array import ElementCutter, elements, split_elements
from proxy.wire.sse import FrameCutter, join_data, parse_data

_BLANK = b" \t\r\n\xef\xbb\xbf"
_UNSAID = msgspec.Raw()


class _Part(msgspec.Struct):
    text: Any = None
    thought: Any = None
    functionCall: Any = None  # noqa: N815 - the wire's spelling
    executableCode: Any = None  # noqa: N815 - the wire's spelling


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Candidate(msgspec.Struct):
    content: _Content | None = None
    finishReason: Any = None  # noqa: N815 - the wire's spelling
    index: Any = None
    groundingMetadata: msgspec.Raw = _UNSAID  # noqa: N815 - the wire's spelling


class _Chunk(msgspec.Struct):
    candidates: list[_Candidate] | None = None
    usageMetadata: msgspec.Raw = _UNSAID  # noqa: N815 - the wire's spelling
    modelVersion: Any = None  # noqa: N815 - the wire's spelling
    responseId: Any = None  # noqa: N815 - the wire's spelling
    promptFeedback: Any = None  # noqa: N815 - the wire's spelling
    error: Any = None


_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_chunks = msgspec.json.Decoder(list[_Chunk]).decode


def cutter_for(content_type: bytes) -> FrameCutter | ElementCutter:
    """What cuts a stream of this content type: `alt=sse` is answered as such, an array as JSON."""
    return FrameCutter() if content_type.lower().startswith(b"text/event-stream") else ElementCutter()


class GeminiStreamReader:
    """Reads the frames, or the elements, of one stream: which of both they are, the first byte says."""

    __slots__ = ("_finished", "_is_array", "_open_call", "_searches", "_usage", "is_read", "reading")

    def __init__(self) -> None:
        self.reading = Reading()
        self._usage: dict[str, Any] = {}
        self._searches: dict[object, int] = {}
        self._finished: dict[object, bool] = {}
        self._open_call: dict[object, int] = {}
        self._is_array: bool | None = None
        self.is_read = False  # at least one chunk could be

    def read(self, block: bytes) -> int:
        if self._is_array is None and (begin := block.lstrip(_BLANK)):
            self._is_array = begin.startswith((b"[", b"{"))
        chunks, texts = self._chunks(block), []
        for chunk in chunks:
            text = _plain_text(chunk)
            if text is not None and self.reading.model:
                texts.append(text)
                continue
            self.reading.add_text("".join(texts))
            texts.clear()
            self._take(chunk)
        self.reading.add_text("".join(texts))
        self._take_usage(chunks)
        return 0

    def _chunks(self, block: bytes) -> list[_Chunk]:
        """All at once, since that is how they come; one by one when there is one that cannot be read."""
        joined = elements(block) if self._is_array else b"[%b]" % (join_data(block) or b",".join(parse_data(block)))
        try:
            return _decode_chunks(joined)
        except UNREADABLE:
            texts = split_elements(block) if self._is_array else parse_data(block)
            return [chunk for chunk in map(_decoded, texts) if chunk is not None]

    def _take(self, chunk: _Chunk) -> None:
        reading, self.is_read = self.reading, True
        if chunk.modelVersion:
            reading.model = text_of(chunk.modelVersion)
        if chunk.responseId:
            reading.response_id = text_of(chunk.responseId)
        for position, candidate in enumerate(chunk.candidates or ()):
            self._take_candidate(candidate.index if type(candidate.index) is int else position, candidate)
        if blocked := member(chunk.promptFeedback, "blockReason"):
            reading.stop_reason = text_of(blocked)
            self._finished.setdefault("prompt", True)
        if chunk.error:
            reading.error_code = text_of(member(chunk.error, "status")) or "error"
            reading.error_message = text_of(member(chunk.error, "message"))

    def _take_candidate(self, index: int, candidate: _Candidate) -> None:
        for part in (candidate.content.parts if candidate.content else None) or ():
            if part.functionCall is not None:
                self._take_call(index, part.functionCall)
            elif part.thought:
                self.reading.add_reasoning(part.text)
            elif part.text is not None:
                self.reading.add_text(part.text)
            elif part.executableCode is not None:
                self.reading.add_text(member(part.executableCode, "code"))
        if word := finish_word(candidate.finishReason):
            self.reading.stop_reason = word
            self._finished[index] = True
        else:
            self._finished.setdefault(index, False)
        if candidate.groundingMetadata is not _UNSAID:
            found = count_searches(_loaded(candidate.groundingMetadata), self.reading.model)
            self._searches[index] = max(found, self._searches.get(index, 0))

    def _take_call(self, index: int, call: object) -> None:
        """A call without a name goes on with the one before it."""
        name, arguments = member(call, "name"), member(call, "args") or member(call, "partialArgs")
        if name:
            self._open_call[index] = self._open_call.get(index, -1) + 1
        key = f"{index}.{self._open_call.get(index, 0)}"
        self.reading.add_tool(key, name, to_json(arguments) if arguments else None)

    def _take_usage(self, chunks: list[_Chunk]) -> None:
        """Of a block, only the last counts are looked at."""
        reading = self.reading
        for chunk in reversed(chunks):
            if chunk.usageMetadata is not _UNSAID and has_counts(usage := _loaded(chunk.usageMetadata)):
                self._usage = usage
                break
        if self._usage:
            reading.usage = parse_usage(self._usage, sum(self._searches.values()))
            reading.service_tier = tier_of(self._usage)
            reading.is_complete = bool(self._finished) and all(self._finished.values())


def read_gemini_body(body: bytes) -> Reading:
    """Reads a whole answer, be it a response, an array of them or an error."""
    reader = GeminiStreamReader()
    reader.read(body)
    reader.reading.is_complete = reader.is_read
    return reader.reading


def _plain_text(chunk: _Chunk) -> str | None:
    """The text of a chunk that holds one piece of it and nothing that is new: what most of a stream is made of."""
    candidates = chunk.candidates
    if candidates is None or len(candidates) != 1 or chunk.error or chunk.promptFeedback:
        return None
    [candidate] = candidates
    parts = candidate.content.parts if candidate.content else None
    if candidate.index or candidate.finishReason or not parts or len(parts) != 1:
        return None
    if candidate.groundingMetadata is not _UNSAID:
        return None
    [part] = parts
    is_text = type(part.text) is str and not part.thought and part.functionCall is None
    return part.text if is_text else None


def _loaded(raw: msgspec.Raw) -> dict[str, Any]:
    value = msgspec.json.decode(raw)
    return value if isinstance(value, dict) else {}


def _decoded(text: bytes) -> _Chunk | None:
    """None for what is not ours to judge: it passes, unread."""
    try:
        return _decode_chunk(text)
    except UNREADABLE:
        return None
