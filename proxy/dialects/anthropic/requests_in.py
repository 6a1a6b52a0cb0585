"""A client's request → the hub.

Tool results stand in messages of role `tool` there, so a user's message of results and text becomes two. Thinking
without a signature is left out: it was made elsewhere, and our own encoder wrote it so.
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from typing import Any

from proxy.canonical.parts import CacheTtl, Media, Native, Part, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Effort, Format, Message, Reasoning, Request, Role
from proxy.dialects.anthropic.blocks_in import parse_cache, parse_content, render_mark
from proxy.dialects.anthropic.tools_in import parse_tool_choice, parse_tools
from proxy.dialects.reading import text_of
from proxy.errors import InvalidRequest

_EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}
Body = Mapping[str, Any]


def parse_request(body: Body, model: str = "", *, is_stream: bool | None = None) -> Request:
    request = Request("anthropic", text_of(body.get("model")) or model, _parse_messages(body))
    if not request.model:
        raise InvalidRequest("`model` must be the name of a model.")
    request.is_stream = bool(body.get("stream")) if is_stream is None else is_stream
    for name, value in body.items():
        if value is not None:
            _MEMBERS.get(name, _keep)(request, name, value)
    return request


def _parse_messages(body: Body) -> list[Message]:
    listed = body.get("messages")
    if not isinstance(listed, list):
        raise InvalidRequest("`messages` must be a list of messages.")
    system = parse_content(body.get("system"), "system")
    messages = [Message("system", system)] if system else []
    for number, raw in enumerate(listed):
        messages.extend(_parse_message(raw, f"messages.{number}"))
    _mark_end(messages, parse_cache(dict(body)))
    return messages


def _parse_message(raw: object, where: str) -> Iterator[Message]:
    if not isinstance(raw, dict):
        raise InvalidRequest(f"{where} must be an object with `role` and `content`.")
    role = _ROLES.get(text_of(raw.get("role")))
    if role is None:
        raise InvalidRequest(f"{where}.role must be 'user' or 'assistant', not {raw.get('role')!r}.")
    extra = {name: value for name, value in raw.items() if name not in {"role", "content"} and value is not None}
    parts = [part for part in parse_content(raw.get("content"), where) if not _is_unsigned(part)]
    if role != "user" or not any(isinstance(part, ToolResult) for part in parts):
        yield Message(role, parts, extra=extra)
        return
    for is_result, run in groupby(parts, lambda part: isinstance(part, ToolResult)):
        yield Message("tool" if is_result else "user", list(run), extra=extra)


def _is_unsigned(part: Part) -> bool:
    return isinstance(part, Thinking) and not part.signature and not part.redacted


def _mark_end(messages: list[Message], ttl: CacheTtl | None) -> None:
    """A mark on the request stands for one on its last block that can have one."""
    if ttl is None:
        return
    for message in reversed(messages):
        for part in reversed(message.parts):
            if isinstance(part, Native):
                part.raw = {"cache_control": render_mark(ttl), **part.raw}
                return
            if isinstance(part, Text | Media | ToolCall | ToolResult):
                part.cache = part.cache or ttl
                return


def _keep(request: Request, name: str, value: Any) -> None:
    request.rest[name] = value


def _take_number(field: str) -> Callable[[Request, str, Any], None]:
    def take(request: Request, name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidRequest(f"`{name}` must be a number, not {value!r}.")
        setattr(request, field, value)

    return take


def _take_stop(request: Request, name: str, value: Any) -> None:
    if not isinstance(value, list):
        raise InvalidRequest(f"`{name}` must be a list of strings.")
    request.stop = [word for word in value if isinstance(word, str)]


def _take_tools(request: Request, _: str, value: Any) -> None:
    request.tools = parse_tools(value)


def _take_tool_choice(request: Request, _: str, value: Any) -> None:
    request.tool_choice, request.is_parallel = parse_tool_choice(value)


def _take_thinking(request: Request, name: str, value: Any) -> None:
    reasoning = request.reasoning = request.reasoning or Reasoning()
    match value:
        case {"type": "enabled", **rest}:
            budget = rest.get("budget_tokens")
            reasoning.budget_tokens = budget if isinstance(budget, int) else None
        case {"type": "adaptive", **rest}:
            reasoning.is_adaptive = True
        case {"type": "disabled", **rest}:
            reasoning.is_off = True
        case _:
            _keep(request, name, value)
            return
    if isinstance(display := rest.pop("display", None), str):
        reasoning.summary = "" if display == "omitted" else "auto"
    rest.pop("budget_tokens", None)
    request.rest.update({f"thinking.{key}": one for key, one in rest.items()})


def _members(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidRequest(f"`{name}` must be an object, not {value!r}.")
    return value


def _take_output_config(request: Request, name: str, value: Any) -> None:
    for key, one in _members(name, value).items():
        if key == "format" and one is not None:
            _take_format(request, "output_config.format", one)
        elif key == "effort" and one in _EFFORTS:
            request.reasoning = request.reasoning or Reasoning()
            request.reasoning.effort = one
        elif one is not None:
            request.rest[f"output_config.{key}"] = one


def _take_format(request: Request, name: str, value: Any) -> None:
    match value:
        case {"type": "json_schema", "schema": dict(schema)}:
            request.format = Format("schema", schema)
        case _:
            _keep(request, name, value)


def _take_metadata(request: Request, name: str, value: Any) -> None:
    for key, one in _members(name, value).items():
        if key == "user_id" and isinstance(one, str):
            request.user = one
        elif one is not None:
            request.rest[f"metadata.{key}"] = one


def _take_service_tier(request: Request, _: str, value: Any) -> None:
    request.service_tier = text_of(value)


def _skip(request: Request, name: str, value: Any) -> None:
    """Read already."""


_MEMBERS: dict[str, Callable[[Request, str, Any], None]] = {
    "model": _skip,
    "messages": _skip,
    "system": _skip,
    "stream": _skip,
    "cache_control": _skip,
    "anthropic_version": _skip,  # of hosts, who want it in the body: `hosted.py` adds it
    "max_tokens": _take_number("max_tokens"),
    "temperature": _take_number("temperature"),
    "top_p": _take_number("top_p"),
    "top_k": _take_number("top_k"),
    "stop_sequences": _take_stop,
    "tools": _take_tools,
    "tool_choice": _take_tool_choice,
    "thinking": _take_thinking,
    "output_config": _take_output_config,
    "output_format": _take_format,
    "metadata": _take_metadata,
    "service_tier": _take_service_tier,
}
