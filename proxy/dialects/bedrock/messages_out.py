"""The hub's turns → Converse's system blocks and messages.

Converse wants user and assistant by turns, a user first, tool results at the start of a turn, some text beside each
document, and no turn without content.
"""

from typing import Any

from proxy.canonical.parts import Part, Text, ToolResult
from proxy.canonical.request import Message, Request
from proxy.dialects.bedrock.blocks_out import Block, BlockWriter
from proxy.dialects.losses import Losses
from proxy.dialects.reading import member

_SYSTEM_ROLES = {"system", "developer"}
_OPENING = "."  # what the first turn says when the conversation begins with the assistant


def render_messages(request: Request, losses: Losses) -> tuple[list[Block], list[Block]]:
    """System blocks and messages."""
    is_own = request.dialect == "bedrock"
    writer = BlockWriter(request.model, losses, is_own=is_own)
    leading = 0
    while leading < len(request.messages) and request.messages[leading].role in _SYSTEM_ROLES:
        leading += 1
    system = [
        block for message in request.messages[:leading] for part in message.parts for block in writer.render(part)
    ]
    turns: list[_Turn] = []
    for message in request.messages[leading:]:
        _note_unsaid(message, losses)
        role = _role_of(message, request)
        if not turns or turns[-1].role != role:
            turns.append(_Turn(role))
        for part in _parts_of(message, role):
            turns[-1].add(part, writer.render(part))
    messages = _alternate(turns)
    if is_own:
        return system, messages
    for turn in messages:
        turn["content"] = move_points(turn["content"])
    if not messages or messages[0]["role"] == "assistant":
        losses.add("messages", "Bedrock wants a user's message with words first; a placeholder stands there.")
        messages.insert(0, {"role": "user", "content": [{"text": _OPENING}]})
    return system, messages


def _note_unsaid(message: Message, losses: Losses) -> None:
    if message.name:
        losses.add("name", "Bedrock's messages bear no names.")
    for name in message.extra:
        losses.add(name, "Bedrock's messages have no such member.")


def _role_of(message: Message, request: Request) -> str:
    """Bedrock has turns of the system too, but for few models."""
    if message.role in _SYSTEM_ROLES:
        return "system" if request.dialect == "bedrock" else "user"
    return "assistant" if message.role == "assistant" else "user"


def _parts_of(message: Message, role: str) -> list[Part]:
    if message.role not in _SYSTEM_ROLES or role == "system":
        return message.parts
    return [
        Text(f"[system] {part.text}", cache=part.cache) if isinstance(part, Text) else part for part in message.parts
    ]


class _Turn:
    """Messages of one role that stand together. Results come first."""

    __slots__ = ("others", "results", "role")

    def __init__(self, role: str) -> None:
        self.role = role
        self.results: list[Block] = []
        self.others: list[Block] = []

    def add(self, part: Part, blocks: list[Block]) -> None:
        is_result = isinstance(part, ToolResult) or (bool(self.results) and not self.others and _is_point(blocks))
        (self.results if is_result else self.others).extend(blocks)

    def join(self, later: "_Turn") -> None:
        self.results += later.results
        self.others += later.others

    @property
    def blocks(self) -> list[Block]:
        blocks = self.results + self.others
        documents = [member(block["document"], "name") or "document" for block in blocks if "document" in block]
        if documents and not any("text" in block for block in blocks):
            return [*blocks, {"text": ", ".join(documents)}]
        return blocks


def _is_point(blocks: list[Block]) -> bool:
    return all("cachePoint" in block for block in blocks)


def _alternate(turns: list[_Turn]) -> list[dict[str, Any]]:
    """Turns that stand together, now that one between them was empty, become one."""
    merged: list[_Turn] = []
    for turn in turns:
        if merged and merged[-1].role == turn.role:
            merged[-1].join(turn)
        elif turn.blocks:
            merged.append(turn)
    return [{"role": turn.role, "content": turn.blocks} for turn in merged]


def move_points(blocks: list[Block]) -> list[Block]:
    """Bedrock refuses a cache point right behind documents and films: it goes before them, or away where they lead."""
    moved: list[Block] = []
    for block in blocks:
        at = len(moved)
        while "cachePoint" in block and at and ("document" in moved[at - 1] or "video" in moved[at - 1]):
            at -= 1
        if "cachePoint" not in block or (at and "cachePoint" not in moved[at - 1]):
            moved.insert(at, block)
    return moved
