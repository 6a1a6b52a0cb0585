"""How many tokens a request has, for providers that do not count them: an estimate, and marked as one."""

from typing import Any

import orjson

from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import NativeTool, Request
from proxy.dialects.reading import CHARACTERS_PER_TOKEN

# https://platform.claude.com/docs/en/build-with-claude/vision (November 2026): width × height / 750, mostly below this.
_TOKENS_PER_IMAGE = 1600
# A page of a PDF is text and image; its bytes are compressed, so this is a guess on the high side.
_BASE64_PER_DOCUMENT_TOKEN = 16
_PER_MESSAGE = 4  # role and delimiters


def estimate_tokens(request: Request) -> int:
    """Input tokens, from the length of what is said: within a quarter for prose and code, worse for scripts of Asia."""
    characters = sum(_of_tool(tool) for tool in request.tools)
    tokens = 0
    for message in request.messages:
        tokens += _PER_MESSAGE
        for part in message.parts:
            inside_characters, inside_tokens = _of_part(part)
            characters += inside_characters
            tokens += inside_tokens
    return max(1, tokens + -(-characters // CHARACTERS_PER_TOKEN))


def render_count(tokens: int, *, is_estimated: bool) -> dict[str, Any]:
    """The answer of `count_tokens`. The mark is ours: clients ignore members that they do not know."""
    return {"input_tokens": tokens, "is_estimated": True} if is_estimated else {"input_tokens": tokens}


def _of_tool(tool: Any) -> int:
    if isinstance(tool, NativeTool):
        return len(orjson.dumps(tool.raw))
    return len(tool.name) + len(tool.description) + len(orjson.dumps(tool.schema or {}))


def _of_part(part: Part) -> tuple[int, int]:
    """Characters, and tokens that are no characters."""
    match part:
        case Text(text=text) | Refusal(text=text) | Thinking(text=text):
            return len(text), 0
        case ToolCall():
            return len(part.name) + len(part.arguments), _PER_MESSAGE
        case ToolResult(parts=parts):
            inside = [_of_part(one) for one in parts]
            return sum(one for one, _ in inside), _PER_MESSAGE + sum(one for _, one in inside)
        case Media():
            return len(part.text), 0 if part.text else _of_bytes(part)
        case Native(raw=raw):
            return len(orjson.dumps(raw)), 0


def _of_bytes(media: Media) -> int:
    return (
        _TOKENS_PER_IMAGE
        if media.kind == "image"
        else max(_TOKENS_PER_IMAGE, len(media.data) // _BASE64_PER_DOCUMENT_TOKEN)
    )
