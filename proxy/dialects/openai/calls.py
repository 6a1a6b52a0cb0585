"""Which call a piece of `tool_calls` belongs to, however carelessly a provider numbers them.

OpenAI numbers calls by `index` and names id and function in a call's first piece only. Seen elsewhere: no index at all
and whole calls (Mistral), index 0 for every call with ids that differ (Ollama, Gemini's OpenAI-like endpoint), the id
again in every piece (xAI, Databricks), another id for every piece of the same call (vLLM 0.6).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.dialects.reading import member, text_of


class StreamedCall(msgspec.Struct):
    """`held` keeps arguments back that come before the name."""

    part: int
    position: int
    id: str = ""
    name: str = ""
    kind: str = "function"
    signature: str = ""
    has_started: bool = False
    has_arguments: bool = False
    held: str = ""


class CallTable:
    """The calls of one choice."""

    __slots__ = ("_by_id", "_by_index", "_last", "count")

    def __init__(self) -> None:
        self._by_index: dict[int, StreamedCall] = {}
        self._by_id: dict[str, StreamedCall] = {}
        self._last: StreamedCall | None = None
        self.count = 0

    def find(self, piece: Mapping[str, Any]) -> StreamedCall | None:
        """The call that the piece goes on with; None when it begins another one."""
        call_id, name = text_of(piece.get("id")), _name_of(piece)
        if call_id and call_id in self._by_id:
            return self._by_id[call_id]
        index = piece.get("index")
        known = self._by_index.get(index) if isinstance(index, int) else None
        if known is None:
            goes_on = self._last is not None and not isinstance(index, int) and not name
            return self._last if goes_on else None
        if not name or not known.name:
            return known
        if call_id and known.id:
            return None  # the same number, another id and a name: another call
        begins_again = name != known.name or (known.has_arguments and _is_whole(piece))
        return None if begins_again else known

    def add(self, piece: Mapping[str, Any], part: int) -> StreamedCall:
        call = StreamedCall(part, self.count, id=text_of(piece.get("id")))
        self.count += 1
        self._last = call
        if call.id:
            self._by_id[call.id] = call
        index = piece.get("index")
        if isinstance(index, int):
            self._by_index[index] = call
        return call


def _name_of(piece: Mapping[str, Any]) -> str:
    return text_of(member(piece.get("function"), "name")) or text_of(member(piece.get("custom"), "name"))


def _is_whole(piece: Mapping[str, Any]) -> bool:
    arguments = member(piece.get("function"), "arguments")
    return isinstance(arguments, dict) or text_of(arguments).startswith("{")
