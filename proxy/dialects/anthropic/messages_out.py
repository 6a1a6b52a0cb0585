"""The hub's messages → `system` and `messages`.

Anthropic knows users and assistants in turn, and one `system`. What leads goes there; a system message in the middle
stands in the user's turn, marked as what it is, unless the client speaks this dialect and its model takes them.
Neighbours of one role are one message; tool results come first in it, or they are refused.
"""

from typing import Any

from proxy.canonical.parts import Part, Text
from proxy.canonical.request import Message, Request
from proxy.dialects.anthropic.blocks_out import Block, BlockRenderer, compact
from proxy.dialects.losses import Losses

_SYSTEM = {"system", "developer"}
_ROLES = {"user": "user", "tool": "user", "assistant": "assistant", "system": "user", "developer": "user"}
_MOST_MARKS = 4  # https://platform.claude.com/docs/en/build-with-claude/prompt-caching (November 2026)
_PLACEHOLDER = "(The conversation begins with the assistant.)"
_SILENCE = "(nothing)"


def render_messages(request: Request, losses: Losses) -> tuple[str | list[Block], list[dict[str, Any]]]:
    """System and messages."""
    is_own = request.dialect == "anthropic"
    renderer = BlockRenderer(losses, is_own=is_own)
    leading = 0
    while leading < len(request.messages) and request.messages[leading].role in _SYSTEM:
        leading += 1
    system = [block for message in request.messages[:leading] for block in renderer.render(message.parts)]
    if not is_own:
        for message in request.messages[:leading]:
            _tell_lost(message, losses)
        system = _texts_only(system, losses)
    messages: list[dict[str, Any]] = []
    for message in request.messages[leading:]:
        if is_own:
            _append_own(messages, message, renderer)
        else:
            _tell_lost(message, losses)
            _append(messages, _ROLES[message.role], renderer.render(_spoken(message)))
    if not is_own:
        system = _make_acceptable(system, messages, losses)
    for rendered in messages:
        rendered["content"] = compact(_results_first(rendered["content"]))
    return compact(system), messages


def _texts_only(system: list[Block], losses: Losses) -> list[Block]:
    for block in system:
        if block["type"] != "text":
            losses.add(block["type"], "Anthropic's system prompt is text only.")
    return [block for block in system if block["type"] == "text"]


def _make_acceptable(system: list[Block], messages: list[dict[str, Any]], losses: Losses) -> list[Block]:
    """A user speaks first, somebody speaks at all, and what the assistant is to go on from ends in no blank."""
    if not messages and system:
        losses.add("messages", "Anthropic wants a user's message; the instructions stand in one.")
        messages.append({"role": "user", "content": system})
        return []
    if not messages:
        losses.add("messages", "Anthropic refuses empty texts; a placeholder stands for the message that said nothing.")
        messages.append({"role": "user", "content": [{"type": "text", "text": _SILENCE}]})
    if messages[0]["role"] == "assistant":
        losses.add("messages", "Anthropic wants a user's message first; a placeholder stands there.")
        messages.insert(0, {"role": "user", "content": [{"type": "text", "text": _PLACEHOLDER}]})
    if messages[-1]["role"] == "assistant" and messages[-1]["content"][-1]["type"] == "text":
        last = messages[-1]["content"][-1]
        last["text"] = last["text"].rstrip()
    return system


def _append_own(messages: list[dict[str, Any]], message: Message, renderer: BlockRenderer) -> None:
    role = "system" if message.role in _SYSTEM else _ROLES[message.role]
    blocks = renderer.render(message.parts)
    if message.extra or role == "system":
        if blocks or message.extra:
            messages.append({"role": role, "content": blocks, **message.extra})
    else:
        _append(messages, role, blocks)


def _append(messages: list[dict[str, Any]], role: str, blocks: list[Block]) -> None:
    if not blocks:
        return
    if messages and messages[-1]["role"] == role and len(messages[-1]) == 2:
        messages[-1]["content"].extend(blocks)
    else:
        messages.append({"role": role, "content": blocks})


def _spoken(message: Message) -> list[Part]:
    if message.role not in _SYSTEM:
        return message.parts
    return [
        Text(f"[system] {part.text}", cache=part.cache) if isinstance(part, Text) and part.text.strip() else part
        for part in message.parts
    ]


def _tell_lost(message: Message, losses: Losses) -> None:
    if message.name:
        losses.add("messages.name", "Anthropic's messages bear no names.")
    for name in message.extra:
        losses.add(f"messages.{name}", "Anthropic's messages have no such member.")


def _results_first(blocks: list[Block]) -> list[Block]:
    return sorted(blocks, key=lambda block: block["type"] != "tool_result")


def limit_marks(body: dict[str, Any]) -> None:
    """Keeps the last four cache marks, in the order in which the API reads: tools, system, messages."""
    holders: list[dict[str, Any]] = [*body.get("tools", ())]
    for content in (body.get("system"), *(message["content"] for message in body["messages"])):
        for block in content if isinstance(content, list) else ():
            inner = block.get("content")
            if block["type"] == "tool_result" and isinstance(inner, list):
                holders.extend(inner)
            holders.append(block)
    marked = [holder for holder in holders if holder.get("cache_control")]
    for holder in marked[:-_MOST_MARKS]:
        del holder["cache_control"]
