"""What an encoder has to remember of the choice that it is writing."""

from typing import Literal

import msgspec


class SentCall(msgspec.Struct):
    index: int  # among the choice's calls
    kind: Literal["function", "custom"] = "function"
    has_arguments: bool = False


class SentChoice:
    """`length` counts the characters of the content so far: annotations say where they stand in it."""

    __slots__ = ("_spans", "_thoughts", "calls", "has_begun", "has_refusal", "head", "length")

    def __init__(self, index: int) -> None:
        self.head = b'{"index":%d,"delta":' % index
        self.has_begun = False
        self.has_refusal = False
        self.length = 0
        self.calls: dict[int, SentCall] = {}
        self._spans: dict[int, int] = {}  # a text part's start
        self._thoughts: dict[int, int] = {}

    def add_text(self, part: int, text: str) -> None:
        if part not in self._spans:
            self._spans[part] = self.length
        self.length += len(text)

    def span_of(self, part: int) -> tuple[int, int]:
        return self._spans.get(part, self.length), self.length

    def add_call(self, part: int, kind: str) -> SentCall:
        call = SentCall(len(self.calls), "custom" if kind == "custom" else "function")
        self.calls[part] = call
        return call

    def place_of(self, part: int) -> int:
        """The number of a thought among the choice's."""
        return self._thoughts.setdefault(part, len(self._thoughts))
