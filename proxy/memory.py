"""What a model signed and its client's dialect cannot hold, kept until the client comes back with the tool's result.

Thinking goes back to the provider that made it, verbatim and in its old place, or the provider refuses the turn (Gemini
3's signatures), or thinks anew (Claude, OpenAI). A client of another dialect sends back only what its own dialect has:
the call's id. So thinking is kept by that id, for the owner of the call, and put back into the next canonical request
before it is rendered. Renderers leave out what another dialect made, so it does not matter where that one goes.

Thinking of an answer without a call is not kept: no dialect demands it. The memory is bounded in entries, bytes and
age, the least recently used goes first; it is this process's own and ends with it. What is forgotten costs thought,
never a call: every dialect has an answer to a history without signatures.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from proxy.canonical.answer import Answer
from proxy.canonical.events import Event, TextDelta, ThinkingDelta, ToolCallStarted
from proxy.canonical.folding import Folder
from proxy.canonical.parts import Part, Thinking, ToolCall
from proxy.canonical.request import Message, Request
from proxy.errors import Dialect

MOST_ENTRIES = 20_000
MOST_BYTES = 16 * 1024 * 1024  # of signatures and thoughts: Gemini's largest seen have 50 KB, most have 1
LONGEST_SECONDS = 24 * 3600.0  # a person may sleep over a question

_NS = 1_000_000_000


class _Kept(msgspec.Struct, frozen=True):
    """What belongs to one call: its own signature, and the thinking since the call before it."""

    ahead: tuple[Thinking, ...]  # before everything else of its turn
    before: tuple[Thinking, ...]  # right before the call
    signature: str
    signature_of: Dialect | None
    item_id: str
    extra: dict[str, Any]
    size: int
    until_ns: int


class SignatureMemory:
    """By owner and tool call's id. `monotonic_ns` tells the time."""

    def __init__(
        self,
        monotonic_ns: Callable[[], int],
        *,
        most_entries: int = MOST_ENTRIES,
        most_bytes: int = MOST_BYTES,
        seconds: float = LONGEST_SECONDS,
    ) -> None:
        self._monotonic_ns = monotonic_ns
        self._most_entries = most_entries
        self._most_bytes = most_bytes
        self._seconds = seconds
        self._kept: OrderedDict[tuple[str, str], _Kept] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def remember(self, owner: str, answer: Answer | Iterable[Part]) -> None:
        """Keeps what an answer's calls need, if anything. The same answer may be remembered twice."""
        turns = [choice.parts for choice in answer.choices] if isinstance(answer, Answer) else [answer]
        for parts in turns:
            self._remember_turn(owner, parts)

    def restore(self, owner: str, request: Request) -> Request:
        """The request with what is kept for its calls; the request itself when that is nothing."""
        if not self._kept:
            return request
        messages: list[Message] = []
        turn = 0  # where the assistant's turn began that is being read
        for message in request.messages:
            if message.role != "assistant":
                messages.append(message)
                turn = len(messages)
                continue
            earlier = [part for one in messages[turn:] for part in one.parts]
            ahead, parts = self._restore_parts(owner, message.parts, earlier)
            messages.append(message if parts is message.parts else msgspec.structs.replace(message, parts=parts))
            if ahead:
                first = messages[turn]
                messages[turn] = msgspec.structs.replace(first, parts=[*ahead, *first.parts])
        is_same = all(old is new for old, new in zip(request.messages, messages, strict=True))
        return request if is_same else msgspec.structs.replace(request, messages=messages)

    def _remember_turn(self, owner: str, parts: Iterable[Part]) -> None:
        ahead: list[Thinking] = []
        before: list[Thinking] = []
        is_begun = False
        for part in parts:
            if isinstance(part, Thinking):
                if part.made_by is not None:
                    (before if is_begun else ahead).append(part)
                continue
            is_begun = True
            if isinstance(part, ToolCall):
                self._keep(owner, part, tuple(ahead), tuple(before))
                ahead, before = [], []

    def _keep(self, owner: str, call: ToolCall, ahead: tuple[Thinking, ...], before: tuple[Thinking, ...]) -> None:
        thinking = (*ahead, *before)
        signature = call.signature if call.signature_of is not None else ""
        size = len(signature) + sum(len(one.text) + len(one.signature) + len(one.redacted) for one in thinking)
        if not (thinking or signature or call.extra) or size > self._most_bytes or not call.id:
            return
        until_ns = self._monotonic_ns() + int(self._seconds * _NS)
        kept = _Kept(ahead, before, signature, call.signature_of, call.item_id, call.extra, size, until_ns)
        self._drop((owner, call.id))
        self._kept[owner, call.id] = kept
        self._bytes += size
        while len(self._kept) > self._most_entries or self._bytes > self._most_bytes:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: tuple[str, str]) -> None:
        kept = self._kept.pop(key, None)
        if kept is not None:
            self._bytes -= kept.size

    def _recall(self, owner: str, call_id: str) -> _Kept | None:
        key = owner, call_id
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.until_ns <= self._monotonic_ns():
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def _restore_parts(self, owner: str, parts: list[Part], earlier: list[Part]) -> tuple[list[Part], list[Part]]:
        """What goes to the front of the turn, and the parts: the same list when there is nothing for them."""
        turn = [*earlier, *parts]
        present = {(one.signature, one.redacted, one.text) for one in turn if isinstance(one, Thinking)}
        is_first = not any(isinstance(one, ToolCall) for one in earlier)
        ahead: list[Part] = []
        restored: list[Part] = []
        for part in parts:
            kept = self._recall(owner, part.id) if isinstance(part, ToolCall) else None
            if kept is not None and isinstance(part, ToolCall):
                for place, thinking in ((ahead if is_first else restored, kept.ahead), (restored, kept.before)):
                    place.extend(one for one in thinking if (one.signature, one.redacted, one.text) not in present)
                part = _signed(part, kept)
            is_first = is_first and not isinstance(part, ToolCall)
            restored.append(part)
        is_same = len(parts) == len(restored) and all(old is new for old, new in zip(parts, restored, strict=True))
        return ahead, parts if is_same else restored


class SignatureCollector:
    """Gathers from the events of a stream what `remember` wants, without its text."""

    __slots__ = ("_folder",)

    def __init__(self, dialect: Dialect) -> None:
        self._folder = Folder(dialect)

    def take(self, event: Event) -> None:
        if isinstance(event, ThinkingDelta | ToolCallStarted):
            self._folder.take(event)
        elif isinstance(event, TextDelta):
            self._folder.take(TextDelta(event.part, "", event.choice))  # its place counts, not what it says

    @property
    def answer(self) -> Answer:
        return self._folder.answer


def _signed(call: ToolCall, kept: _Kept) -> ToolCall:
    """What the client did send is its own to change."""
    is_signed = bool(call.signature)
    return msgspec.structs.replace(
        call,
        signature=call.signature if is_signed else kept.signature,
        signature_of=call.signature_of if is_signed else kept.signature_of,
        item_id=call.item_id or kept.item_id,
        extra=call.extra or kept.extra,
    )
