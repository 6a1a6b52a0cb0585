"""Request and response bodies as a person reads them: who said what, which tools were called; and the bytes below.

Understands the two dialects of the gateway and MCP as far as a conversation goes. What it does not understand is simply
shown as it was sent: nothing here decides anything.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from web.markdown import render_markdown

MESSAGES_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Message:
    """One turn. `text` is rendered markdown; `tools` are calls and results, as JSON."""

    role: str
    text: Markup | None
    tools: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Body:
    """A body: its conversation, and the whole of it, indented where it is JSON."""

    messages: tuple[Message, ...]
    raw: str
    size_bytes: int


def read_body(text: str | None) -> Body | None:
    """The readable form of a kept body; None when none was kept."""
    if text is None:
        return None
    size = len(text.encode())
    value = _json(text)
    if value is None:
        return Body(tuple(_of_stream(text)), text, size)
    return Body(tuple(_of_value(value))[:MESSAGES_SHOWN], json.dumps(value, indent=2, ensure_ascii=False), size)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _of_value(value: Any) -> Iterator[Message]:
    if not isinstance(value, dict):
        return
    if isinstance(value.get("system"), str | list):
        yield _message("system", value["system"])
    for turn in _dicts(value.get("messages")):
        yield _message(str(turn.get("role", "")), turn.get("content"), _dicts(turn.get("tool_calls")))
    for choice in _dicts(value.get("choices")):
        answer = choice.get("message")
        if isinstance(answer, dict):
            yield _message("assistant", answer.get("content"), _dicts(answer.get("tool_calls")))
    if value.get("type") == "message" and "content" in value:
        yield _message(str(value.get("role", "assistant")), value["content"])
    yield from _of_tool_call(value)


def _of_tool_call(value: dict[str, Any]) -> Iterator[Message]:
    params, result = value.get("params"), value.get("result")
    if isinstance(params, dict) and "name" in params:
        arguments = json.dumps(params.get("arguments", {}), indent=2, ensure_ascii=False)
        yield Message("call", None, (f"{params['name']} {arguments}",))
    if isinstance(result, dict) and "content" in result:
        texts = [str(part["text"]) for part in _dicts(result["content"]) if "text" in part]
        yield Message("failed" if result.get("isError") else "result", None, tuple(texts))


def _message(role: str, content: Any, calls: list[dict[str, Any]] | None = None) -> Message:
    texts, tools = [], [json.dumps(call.get("function", call), ensure_ascii=False, indent=2) for call in calls or []]
    for part in [content] if isinstance(content, str) else _dicts(content):
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part.get("text"), str):
            texts.append(part["text"])
        else:
            tools.append(json.dumps(part, ensure_ascii=False, indent=2))
    return Message(role, render_markdown("\n\n".join(texts)) if texts else None, tuple(tools))


def _of_stream(text: str) -> Iterator[Message]:
    """The words of a recorded event stream, put together again."""
    said = "".join(
        _delta(_json(line.removeprefix("data:").strip())) for line in text.splitlines() if line[:5] == "data:"
    )
    if said:
        yield Message("assistant", render_markdown(said))


def _delta(event: Any) -> str:
    if not isinstance(event, dict):
        return ""
    delta = event.get("delta")
    if isinstance(delta, dict):
        return str(delta.get("text") or "")
    pieces = (choice.get("delta") for choice in _dicts(event.get("choices")))
    return "".join(str(piece.get("content") or "") for piece in pieces if isinstance(piece, dict))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
