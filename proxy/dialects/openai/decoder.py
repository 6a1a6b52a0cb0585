"""A streamed completion's bytes → events. Any cut of the bytes gives the same events.

The terminal event is `data: [DONE]`; some servers (Hugging Face, Perplexity) leave it out after the last
`finish_reason`, which then ends the stream as cleanly. A choice's end is told only when the whole answer's is: usage
comes after it, and an error may.
"""

import re
from collections.abc import Iterable
from typing import Any

import orjson

from proxy.canonical.events import (
    Event,
    Failed,
    MessageEnded,
    MessageStarted,
    StreamEnded,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.canonical.folding import unfold
from proxy.dialects.openai.answers import parse_answer
from proxy.dialects.openai.choice import StreamedChoice
from proxy.dialects.openai.failures import parse_failure, read_error
from proxy.dialects.openai.message import parse_search_results
from proxy.dialects.openai.usage import find_usage, parse_usage
from proxy.dialects.reading import member, text_of
from proxy.wire.mould import learn
from proxy.wire.sse import FrameCutter, parse_data

FEW = 4  # events that are as quickly read one by one
LONG = 2048  # bytes of a block in which many events may be alike

_DONE = b"[DONE]"
_HALF_PAIR = re.compile(rb"(\\\\|\\u[dD][89abAB]..\\u[dD][c-fC-F]..)|\\u[dD][89a-fA-F]..")
_BLANK = b" \t\r\n\xef\xbb\xbf"
# Members of a chunk that say nothing about the answer: padding against listeners, and what is read elsewhere.
_PASSED_OVER = {"object", "choices", "usage", "obfuscation", "p"}
_ALWAYS_READ = {"error", "x_groq"}  # usage and errors may stand in them, in any chunk
_GROWING = {"citations", "search_results"}  # of Perplexity: each chunk has those found so far


class OpenAIDecoder:
    """Reads one stream. What does not look like one is kept and read as a whole body in the end."""

    __slots__ = ("_body", "_choices", "_cutter", "_has_begun", "_head", "_is_over", "_numbers", "_seen", "_usage")

    def __init__(self) -> None:
        self._cutter = FrameCutter()
        self._has_begun = False
        self._body: bytes | None = None
        self._head = MessageStarted()
        self._seen = set(_PASSED_OVER)
        self._choices: dict[int, StreamedChoice] = {}
        self._numbers = [0]  # the next part's, shared by all choices
        self._usage: dict[str, Any] | None = None
        self._is_over = False

    def feed(self, data: bytes) -> Iterable[Event]:
        events: list[Event] = []
        if not self._has_begun:
            data = data.lstrip(_BLANK)
            if not data:
                return events
            self._has_begun = True
            if data[:1] in b'{["<':
                self._body = b""
        if self._body is not None:
            self._body += data
            return events
        self._take_block(self._cutter.feed(data), events)
        return events

    def close(self) -> Iterable[Event]:
        """The bytes have ended; says what is missing."""
        events: list[Event] = []
        if self._body is not None:
            return self._read_body(self._body)
        if not self._is_over:
            self._take_block(self._cutter.close(), events, is_last=True)
        if not self._is_over:
            if self._choices and all(choice.is_finished for choice in self._choices.values()):
                self._end(events)
            else:
                self._fail(Failure("truncated", "The provider's stream broke off before its end."), events)
        return events

    def _take_block(self, block: bytes, events: list[Event], *, is_last: bool = False) -> None:
        if len(block) > LONG and not self._is_over:
            block = self._take_alike(block, events)
        texts = parse_data(block)
        loaded = _loaded_together(texts)
        for place, text in enumerate(texts):
            if self._is_over:
                return
            if text == _DONE:
                self._end(events)
                return
            try:
                chunk = _loaded(text) if loaded is None else loaded[place]
            except orjson.JSONDecodeError:
                if is_last or text.strip() == _DONE:
                    continue  # half a frame: the end says so
                self._fail(Failure("server", "The provider sent a chunk that is no JSON.", code="bad_chunk"), events)
                return
            if not self._take_plain(chunk, events):
                self._take_chunk(chunk, events)

    def _take_alike(self, block: bytes, events: list[Event]) -> bytes:
        """Takes the first events of a block, and all that are like the first plain one of them at once.

        Answers what is left, which has to be looked at as if it came alone.
        """
        position = 0
        for _ in range(FEW):
            end = block.find(b"\n\n", position)
            text = block[position + 6 : end]
            if end < 0 or not block.startswith(b"data: {", position) or b"\r" in text or b"\n" in text:
                break
            try:
                chunk = orjson.loads(text)
            except orjson.JSONDecodeError:
                break
            position = end + 2
            if not self._take_plain(chunk, events):
                self._take_chunk(chunk, events)
                if self._is_over:
                    return b""
                continue
            said = chunk["choices"][0]
            mould = learn(text, b"content", said["delta"]["content"])
            if mould is not None:
                texts, position = mould.cast_each(block, position)
                self._choices[said.get("index", 0)].take_texts(texts, events)
            break
        return block[position:]

    def _take_plain(self, chunk: Any, events: list[Event]) -> bool:
        """Most of a stream: one more piece of text for one choice, and nothing new beside it."""
        if type(chunk) is not dict or chunk.get("usage") or not chunk.keys() <= self._seen:
            return False
        choices = chunk.get("choices")
        if type(choices) is not list or len(choices) != 1 or type(choices[0]) is not dict:
            return False
        said = choices[0]
        if said.get("finish_reason") or said.get("logprobs") or "error" in said:
            return False
        index, delta = said.get("index", 0), said.get("delta")
        choice = self._choices.get(index) if type(index) is int else None
        return choice is not None and type(delta) is dict and choice.take_plain(delta, events)

    def _take_chunk(self, chunk: Any, events: list[Event]) -> None:
        if chunk is None:
            return
        choices = chunk.get("choices") if isinstance(chunk, dict) else None
        if not choices or "error" in chunk:
            failure = read_error(chunk)
            if failure is not None or not isinstance(chunk, dict):
                unreadable = Failure("server", "The provider sent a chunk that is no object.", code="bad_chunk")
                self._fail(failure or unreadable, events)
                return
        if not chunk.keys() <= self._seen:
            self._read_head(chunk, events)
        if (chunk.get("usage") or "x_groq" in chunk) and (usage := find_usage(chunk)) is not None:
            self._usage = dict(usage)
        for position, choice in enumerate(choices if type(choices) is list else ()):
            if isinstance(choice, dict):
                self._take_choice(choice, position, events)
        if "x_groq" in chunk and not self._is_over and (sentence := text_of(member(chunk["x_groq"], "error"))):
            self._fail(Failure("server", sentence), events)  # why Groq stopped early

    def _take_choice(self, said: dict[str, Any], position: int, events: list[Event]) -> None:
        index = said.get("index")
        index = index if isinstance(index, int) else position
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = StreamedChoice(index, self._head.id, self._numbers)
        if "error" in said and (failure := read_error(said)):
            self._fail(failure, events)
            return
        delta = said.get("delta")
        if not isinstance(delta, dict):
            # Azure's filter results come without one; a whole message in its place is a whole answer in one chunk
            delta = said.get("message") if choice.is_empty else None
        if delta and isinstance(delta, dict):
            choice.take(delta, events)
        choice.finish(said, events)

    def _read_head(self, chunk: dict[str, Any], events: list[Event]) -> None:
        """Tells what is new in the members beside the choices: Azure's first chunk has no id and no model."""
        seen, head = self._seen, self._head
        fresh = {
            name: value
            for name, value in chunk.items()
            if name not in seen and value and not (name in _GROWING and head.rest.get(name) == value)
        }
        if not fresh:
            return
        seen.update(fresh.keys() - _ALWAYS_READ - _GROWING)
        answer = parse_answer(fresh)
        head.id, head.model = head.id or answer.id, head.model or answer.model
        head.rest = {**head.rest, **answer.rest}
        events.append(MessageStarted(answer.id, answer.model, answer.created, answer.rest))

    def _end(self, events: list[Event]) -> None:
        self._is_over = True
        if not self._choices:
            self._choices[0] = StreamedChoice(0, "", self._numbers)
        sources = list(parse_search_results(self._head.rest))
        for choice in self._choices.values():
            choice.flush(sources, events)
        self._report_usage(events)
        for index in sorted(self._choices):
            stop, native = self._choices[index].stop()
            events.append(MessageEnded(stop, native, choice=index))
        events.append(StreamEnded())

    def _fail(self, failure: Failure, events: list[Event]) -> None:
        self._is_over = True
        self._report_usage(events)
        events.append(Failed(failure))

    def _report_usage(self, events: list[Event]) -> None:
        if self._usage is not None:
            events.append(UsageReported(parse_usage(self._usage), self._usage))

    def _read_body(self, body: bytes) -> Iterable[Event]:
        """A stream was asked for and something else came: an error, or the answer in one piece."""
        try:
            value = orjson.loads(body)
        except orjson.JSONDecodeError:
            value = None
        if isinstance(value, dict) and value.get("choices") and not value.get("error"):
            return list(unfold(parse_answer(value)))
        return [Failed(parse_failure(0, {}, body))]


def _loaded_together(texts: list[bytes]) -> list[Any] | None:
    """All events before the terminal one by one call; None where that cannot be, or would be no gain."""
    events = texts[:-1] if texts and texts[-1] == _DONE else texts
    if len(events) < FEW:
        return None
    try:
        found = orjson.loads(b"[%b]" % b",".join(events))
    except orjson.JSONDecodeError:
        return None
    return found if len(found) == len(events) else None  # one that held two would shift all that follow


def _loaded(text: bytes) -> Any:
    """Half of a surrogate pair, of a character that a provider cut in two, reads as the replacement character."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        if b"\\u" not in text:
            raise
        return orjson.loads(_HALF_PAIR.sub(lambda match: match[1] or b"\\ufffd", text))
