"""OpenAI's chat completions, which many providers speak, read while they pass.

In a stream the usage stands in a last chunk with `choices: []`, only when `stream_options.include_usage` asked for it;
`data: [DONE]` ends it: https://platform.openai.com/docs/api-reference/chat (November 2026).
"""

from collections.abc import Sequence

from proxy.dialects.openai.chunks import (
    Chunk,
    decode_answer,
    decode_chunk,
    decode_chunks,
    decoded,
    is_usage_only,
    plain_text,
    take,
    take_head,
)  # fmt: skip
from proxy.dialects.reading import Reading
from proxy.wire.mould import Mould, learn
from proxy.wire.sse import each_data, frames_with, join_data, parse_data

MOST_UNNAMED = 8  # Azure's first chunk has no model and no id yet
MOST_TRIED = 16  # events that are looked at for the form of the others
LAST = b"data: [DONE]\n\n"

_USAGE_ONLY = b'"choices":[],"usage":{'
_DONE = b"[DONE]"


class OpenAIStreamReader:
    """Reads one streamed chat completion."""

    __slots__ = ("_mould", "_tried", "_unnamed", "reading")

    def __init__(self) -> None:
        self.reading = Reading()
        self._unnamed = 0
        self._mould: Mould | None = None
        self._tried = 0

    def read(self, block: bytes) -> int:
        usage_only = position = 0
        if not self._unnamed:
            usage_only, position = self._read_first(block)
        if not (self.reading.model or self._unnamed == MOST_UNNAMED):
            self._read_heads(block[position:])
        found = self._mould.cast(block, position) if self._mould is not None else None
        if found is None and self._tried < MOST_TRIED and self._learn(block, position):
            found = self._mould.cast(block, position) if self._mould is not None else None
        if found is None:
            return usage_only + self._read(block[position:])
        if found.start > position:
            usage_only += self._read(block[position : found.start])
        self.reading.add_text(found.text)
        return usage_only + (self._read(block[found.end :]) if found.end < len(block) else 0)

    def _read_first(self, block: bytes) -> tuple[int, int]:
        """The first event says more than all others. Answers as `read`, and where the next one begins."""
        end = block.find(b"\n\n")
        answer = decoded(decode_answer, block[6:end]) if end >= 0 and block.startswith(b"data: ") else None
        if answer is None:
            return 0, 0
        self._unnamed += 1
        take_head(answer, self.reading)
        take(answer, self.reading)
        return int(is_usage_only(answer)), end + 2

    def _learn(self, block: bytes, position: int) -> bool:
        """By one of the next events."""
        self._mould = None
        for _ in range(3):
            end = block.find(b"\n\n", position)
            if end < 0:
                return False
            self._tried += 1
            event, position = block[position + 6 : end], end + 2
            chunk = decoded(decode_chunk, event)
            if chunk is not None and (text := plain_text(chunk)):
                self._mould = learn(event, b"content", text)
                return self._mould is not None
        return False

    def _read(self, block: bytes) -> int:
        is_last = block.endswith(LAST)
        chunks = _skimmed(block[: -len(LAST)] if is_last else block)
        if chunks is None:
            events = parse_data(block)
            is_last = _DONE in events
            chunks = _decoded_chunks([event for event in events if event != _DONE])
        if is_last:
            self.reading.is_complete = True
        return self._take(chunks)

    def _read_heads(self, block: bytes) -> None:
        for event in each_data(block):
            if self.reading.model or self._unnamed == MOST_UNNAMED:
                return
            self._unnamed += 1
            take_head(decoded(decode_answer, event), self.reading)

    def _take(self, chunks: Sequence[Chunk]) -> int:
        """Takes the common case in one go, since most of a stream is chunks with one piece of text each."""
        reading, texts, usage_only = self.reading, [], 0
        for chunk in chunks:
            if (text := plain_text(chunk)) is not None:
                texts.append(text)
                continue
            if texts:
                reading.add_text("".join(texts))
                texts.clear()
            take(chunk, reading)
            usage_only += is_usage_only(chunk)
        if texts:
            reading.add_text("".join(texts))
        return usage_only


def without_usage(block: bytes, count: int) -> bytes:
    """The block without the `count` frames that carry usage and nothing else.

    Nobody is known to write `[ ]` with a space.
    """
    for start, end in frames_with(block, b"[]"):
        if _is_usage_frame(block[start:end]):
            block = block[:start] + block[end:]
            count -= 1
            if not count:
                break
    return block


def _is_usage_frame(frame: bytes) -> bool:
    if _USAGE_ONLY in frame and b'"error"' not in frame:  # as most write it; no string holds a bare quote
        return True
    return any(is_usage_only(chunk) for chunk in _decoded_chunks(parse_data(frame)))


def read_openai_body(body: bytes) -> Reading:
    """Reads a whole answer, be it a completion or an error."""
    reading = Reading()
    answer = decoded(decode_answer, body)
    if answer is not None:
        take_head(answer, reading)
        take(answer, reading)
        reading.is_complete = True
    return reading


def _skimmed(block: bytes) -> Sequence[Chunk] | None:
    """All chunks of a block in one go, without cutting it; None for one that is not of the usual form."""
    joined = join_data(block)
    return None if joined is None else decoded(decode_chunks, b"[%b]" % joined)


def _decoded_chunks(events: list[bytes]) -> Sequence[Chunk]:
    """All at once, since that is how they come; one by one when there is one that cannot be read."""
    chunks = decoded(decode_chunks, b"[%b]" % b",".join(events))
    if chunks is not None:
        return chunks
    return [chunk for chunk in (decoded(decode_chunk, event) for event in events) if chunk is not None]
