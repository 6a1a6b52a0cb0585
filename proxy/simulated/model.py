"""The simulated model: from a conversation to a reply. Pure, and the same for the same conversation."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from proxy.simulated.conversation import Conversation, Tool, ToolCall, as_object
from proxy.simulated.prose import pieces_of, write_draft
from proxy.simulated.script import Script, without_markers

StopReason = Literal["end", "length", "tool"]
_ADDRESS = re.compile(r"https?://[^\s\"'<>)\]]+")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says, in pieces of about a token, and the tool it asks for."""

    pieces: tuple[str, ...]
    tool_call: ToolCall | None
    stop: StopReason
    output_tokens: int

    @property
    def text(self) -> str:
        return "".join(self.pieces)


def reply_to(conversation: Conversation, script: Script) -> Reply:
    """The reply: a scripted or a sensible tool call while one is due, text after that."""
    call = _tool_call(conversation, script)
    if call is not None:
        pieces = tuple(pieces_of(f"I will use {call.name} for this."))
        tokens = len(pieces) + len(orjson.dumps(call.arguments)) // 4 + 8
        return Reply(pieces, call, "tool", tokens)
    pieces = tuple(pieces_of(_text(conversation, script)))
    if conversation.max_tokens is not None and len(pieces) > conversation.max_tokens:
        return Reply(pieces[: conversation.max_tokens], None, "length", conversation.max_tokens)
    return Reply(pieces, None, "end", max(1, len(pieces)))


def _text(conversation: Conversation, script: Script) -> str:
    if script.say is not None:
        return script.say
    brief = without_markers(conversation.brief) or without_markers(conversation.prompt)
    return write_draft(brief, conversation.tool_results, conversation.seed, script.tokens)


def _tool_call(conversation: Conversation, script: Script) -> ToolCall | None:
    """Scripted calls are made whether or not the client offers the tool, so that refusals can be tried too."""
    if script.tool_calls:
        if script.is_repeating:
            return script.tool_calls[conversation.rounds % len(script.tool_calls)]
        if conversation.rounds < len(script.tool_calls):
            return script.tool_calls[conversation.rounds]
        return None
    if not conversation.tools:
        return None
    if conversation.forced_tool is not None:
        return _call(_named(conversation.tools, conversation.forced_tool), conversation)
    if conversation.rounds == 0 or script.is_repeating:
        return _call(conversation.tools[0], conversation)
    return _follow_up(conversation) if conversation.rounds == 1 else None


def _follow_up(conversation: Conversation) -> ToolCall | None:
    """Reads the first page that the first tool found, when there is a tool that takes a URL."""
    found = _ADDRESS.search(conversation.tool_results[-1]) if conversation.tool_results else None
    reader = next((tool for tool in conversation.tools if "url" in tool.properties), None)
    return ToolCall(reader.name, {"url": found[0].rstrip(".,;")}) if found and reader else None


def _named(tools: tuple[Tool, ...], name: str) -> Tool:
    return next((tool for tool in tools if tool.name == name), tools[0])


def _call(tool: Tool, conversation: Conversation) -> ToolCall:
    """Arguments that fit the schema: its required properties, or else its first one."""
    names = tool.required or tuple(tool.properties)[:1]
    words = without_markers(conversation.brief).split()[:8]
    phrase = " ".join(words).strip(" .:,;") or tool.name
    return ToolCall(tool.name, {name: _value(as_object(tool.properties.get(name)), phrase) for name in names})


def _value(shape: dict[str, Any], phrase: str) -> Any:
    choices = shape.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    values: dict[Any, Any] = {"integer": 1, "number": 1, "boolean": True, "array": [], "object": {}, "null": None}
    kind = shape.get("type")
    return values.get(kind if isinstance(kind, str) else "string", phrase)
