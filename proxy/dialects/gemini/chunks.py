"""GenerateContentResponse after GenerateContentResponse → events.

A whole answer is a stream of one. Parts have no numbers on the wire: texts that follow each other are one text, each
function call is one, and a call whose arguments come in pieces goes on until a piece says no more (or another part
comes). The reason of the end may come in a chunk of its own, so the ends are told when the last chunk is read.
"""

from datetime import UTC, datetime
from typing import Any

from proxy.canonical.events import (
    Event,
    Failed,
    MessageEnded,
    MessageStarted,
    StreamEnded,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.dialects.gemini.candidate import Candidate, Numbers
from proxy.dialects.gemini.failures import failure_of
from proxy.dialects.gemini.stops import parse_stop
from proxy.dialects.gemini.usage import count_searches, has_counts, parse_usage
from proxy.dialects.reading import text_of

_KNOWN = {"candidates", "usageMetadata", "modelVersion", "responseId", "createTime", "error"}


class ChunkReader:
    """Reads the chunks of one answer."""

    def __init__(self) -> None:
        self.has_failed = False
        self._start = MessageStarted()
        self._candidates: dict[int, Candidate] = {}
        self._numbers = Numbers()
        self._usage: dict[str, Any] = {}
        self._reported: dict[str, Any] | None = None
        self._rest: dict[str, Any] = {}

    def take(self, chunk: object) -> list[Event]:
        if self.has_failed:
            return []
        events: list[Event] = []
        if not isinstance(chunk, dict):
            return self._fail(Failure("server", "The provider sent something that is no answer of Gemini."))
        if isinstance(chunk.get("error"), dict):
            self._report_usage(events)
            return [*events, *self._fail(failure_of(chunk["error"]))]
        self._take_head(chunk, events)
        candidates = chunk.get("candidates")
        for position, said in enumerate(candidates if isinstance(candidates, list) else ()):
            if isinstance(said, dict):
                self._candidate(said.get("index", position)).take(said, events)
        self._take_usage(chunk.get("usageMetadata"), events)
        return events

    def end(self, *, is_whole: bool = False) -> list[Event]:
        """No chunk follows. A stream ends well when every candidate said why; a whole answer may leave it out."""
        if self.has_failed:
            return []
        events: list[Event] = []
        blocked = text_of(_member(self._rest.get("promptFeedback"), "blockReason"))
        unfinished = [one for one in self._candidates.values() if not one.finish]
        if not is_whole and (unfinished or not (self._candidates or blocked)):
            self._report_usage(events)  # what came is paid for
            return [*events, *self._fail(Failure("truncated", "The stream ended before the answer said why it ended."))]
        for candidate in self._candidates.values():
            candidate.end(events)
        self._tell_rest(events)
        self._report_usage(events)
        if blocked and not self._candidates:
            events.append(MessageEnded("content_filter", blocked))
        for candidate in self._candidates.values():
            word = candidate.finish or "STOP"
            stop = parse_stop(word, has_calls=candidate.has_calls)
            events.append(MessageEnded(stop, candidate.finish, choice=candidate.index))
        return [*events, StreamEnded()]

    def _fail(self, failure: Failure) -> list[Event]:
        self.has_failed = True
        return [Failed(failure)]

    def _candidate(self, index: Any) -> Candidate:
        index = index if type(index) is int else 0
        found = self._candidates.get(index)
        if found is None:
            found = self._candidates[index] = Candidate(index, self._numbers)
        return found

    def _take_head(self, chunk: dict[str, Any], events: list[Event]) -> None:
        start = self._start
        if not chunk.keys() <= _KNOWN:
            self._rest.update({name: value for name, value in chunk.items() if name not in _KNOWN and value})
        if start.id and start.model:
            return
        found = MessageStarted(
            text_of(chunk.get("responseId")), text_of(chunk.get("modelVersion")), _created(chunk.get("createTime"))
        )
        self._numbers.seed = found.id or start.id
        if found != start:
            self._start = found
            events.append(found)

    def _take_usage(self, said: object, events: list[Event]) -> None:
        """The first chunk's, for who begins with the input's count, and the last one's: all between are no news."""
        if isinstance(said, dict) and has_counts(said):
            self._usage = said
            if self._reported is None:
                self._report_usage(events)

    def _report_usage(self, events: list[Event]) -> None:
        if not self._usage or self._usage is self._reported:
            return
        self._reported = self._usage
        model = self._start.model
        searches = sum(count_searches(one.extras.get("groundingMetadata"), model) for one in self._candidates.values())
        events.append(UsageReported(parse_usage(self._usage, searches), self._usage))

    def _tell_rest(self, events: list[Event]) -> None:
        """What only Gemini says, under its own names; of candidates by their index."""
        extras = {str(index): one.extras for index, one in self._candidates.items() if one.extras}
        rest = {**self._rest, **({"candidates": extras} if extras else {})}
        if rest:
            events.append(MessageStarted(self._start.id, self._start.model, self._start.created, rest))


def _member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _created(stamp: object) -> int:
    try:
        return int(datetime.fromisoformat(text_of(stamp)).astimezone(UTC).timestamp())
    except ValueError:
        return 0
