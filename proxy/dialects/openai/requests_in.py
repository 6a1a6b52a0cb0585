"""A client's request for a chat completion → Request.

https://platform.openai.com/docs/api-reference/chat/create (November 2026). What other servers of this dialect added and
many clients send is understood too: top_k, `reasoning` (OpenRouter), `thinking` (DeepSeek, Z.ai), `random_seed`
(Mistral). A member that is null was not said.
"""

from collections.abc import Mapping
from typing import Any, TypeVar, cast, get_args

import msgspec

from proxy.canonical.parts import ToolCall, ToolResult
from proxy.canonical.request import Effort, Format, Message, Reasoning, Request, Role
from proxy.dialects.members import integer_in
from proxy.dialects.openai.message import (
    made_id,
    parse_content,
    parse_parts,
    unknown_members,
)
from proxy.dialects.openai.tools import parse_choice, parse_function, parse_tools
from proxy.dialects.reading import member, text_of
from proxy.errors import InvalidRequest

_READ = {
    "model", "messages", "tools", "functions", "tool_choice", "function_call", "parallel_tool_calls", "stream",
    "stream_options", "max_completion_tokens", "max_tokens", "temperature", "top_p", "top_k", "stop", "seed",
    "random_seed", "n", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "reasoning_effort",
    "response_format", "modalities", "user", "service_tier", "verbosity",
}  # fmt: skip
_FORMATS = {"text", "json_object", "json_schema"}
_EFFORTS: frozenset[str] = frozenset(get_args(Effort))
_T = TypeVar("_T")


def parse_request(body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
    asked = body.get("model")
    options = body.get("stream_options")
    request = Request(
        "openai",
        model or (asked if isinstance(asked, str) else ""),
        messages=_parse_messages(body.get("messages")),
        tools=parse_tools(body.get("tools")),
        tool_choice=parse_choice(body.get("tool_choice")),
        is_parallel=_read(body, "parallel_tool_calls", bool),
        is_stream=bool(_read(body, "stream", bool)) if is_stream is None else is_stream,
        includes_usage=bool(member(options, "include_usage")),
        stop=_parse_stop(body.get("stop")),
        format=_parse_format(body.get("response_format")),
        modalities=_read(body, "modalities", list[str]) or [],
        user=text_of(body.get("user")),
        service_tier=text_of(body.get("service_tier")),
        verbosity=text_of(body.get("verbosity")),
        rest=_rest(body),
    )
    _read_numbers(request, body)
    _read_functions(request, body)
    request.reasoning = _parse_reasoning(body, request.rest)
    return request


def _read_numbers(request: Request, body: Mapping[str, Any]) -> None:
    limit = _read(body, "max_completion_tokens", int)
    request.max_tokens = _read(body, "max_tokens", int) if limit is None else limit
    request.temperature = _read(body, "temperature", float)
    request.top_p = _read(body, "top_p", float)
    request.top_k = _read(body, "top_k", int)
    seed = _read(body, "seed", int)
    request.seed = _read(body, "random_seed", int) if seed is None else seed
    request.count = _read(body, "n", int)
    request.presence_penalty = _read(body, "presence_penalty", float)
    request.frequency_penalty = _read(body, "frequency_penalty", float)
    request.logprobs = _read(body, "logprobs", bool)
    request.top_logprobs = _read(body, "top_logprobs", int)


def _read(body: Mapping[str, Any], name: str, kind: type[_T]) -> _T | None:
    value = body.get(name)
    if value is None:
        return None
    try:
        return msgspec.convert(value, kind, strict=True)
    except msgspec.ValidationError:
        if kind is int and isinstance(value, float):
            return msgspec.convert(integer_in(body, name), kind)  # 256.0: clients in other languages
        raise InvalidRequest(f"{name!r} cannot be {value!r:.80}.") from None


def _rest(body: Mapping[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in body.items() if name not in _READ and value is not None}
    options = body.get("stream_options")
    if isinstance(options, dict) and (more := {k: v for k, v in options.items() if k != "include_usage"}):
        rest["stream_options"] = more
    form = body.get("response_format")
    if isinstance(form, dict) and text_of(form.get("type")) not in _FORMATS:
        rest["response_format"] = form  # Fireworks' grammar
    return rest


def _read_functions(request: Request, body: Mapping[str, Any]) -> None:
    functions, choice = body.get("functions"), body.get("function_call")
    if isinstance(functions, list) and not request.tools:
        request.has_functions = True
        request.tools = [parse_function(function) for function in functions if isinstance(function, dict)]
    if choice is not None and request.tool_choice is None:
        request.tool_choice = parse_choice({"function": choice} if isinstance(choice, dict) else choice)


def _parse_stop(stop: object) -> list[str]:
    words = [stop] if isinstance(stop, str) else stop
    if words is not None and not isinstance(words, list):
        raise InvalidRequest(f"'stop' must be a text or a list of texts, not {stop!r:.80}.")
    return [word for word in words or () if isinstance(word, str)]


def _parse_format(form: object) -> Format | None:
    if not isinstance(form, dict) or text_of(form.get("type")) not in _FORMATS:
        return None
    if form["type"] != "json_schema":
        return Format("json" if form["type"] == "json_object" else "text")
    schema, strict = member(form.get("json_schema"), "schema"), member(form.get("json_schema"), "strict")
    return Format(
        "schema",
        schema if isinstance(schema, dict) else None,
        text_of(member(form.get("json_schema"), "name")),
        text_of(member(form.get("json_schema"), "description")),
        strict if isinstance(strict, bool) else None,
    )


def _parse_reasoning(body: Mapping[str, Any], rest: dict[str, Any]) -> Reasoning | None:
    """From whichever of the three members says it. One with words of its own stays in `rest` as well."""
    word, said, thinking = body.get("reasoning_effort"), body.get("reasoning"), body.get("thinking")
    effort = word or member(said, "effort") or None
    budget = member(said, "max_tokens") or member(thinking, "budget_tokens")
    is_off = member(said, "enabled") is False or member(thinking, "type") == "disabled"
    if isinstance(said, dict) and said.keys() <= {"effort", "max_tokens", "enabled"}:
        del rest["reasoning"]
    if isinstance(thinking, dict) and thinking.keys() <= {"type", "budget_tokens"}:
        del rest["thinking"]
    if effort is not None and text_of(effort) not in _EFFORTS:
        rest["reasoning_effort"] = effort  # a word of the provider's own: Groq's 'default'
        effort = None
    if member(said, "enabled") is True and effort is None and budget is None:
        effort = "medium"  # OpenRouter's default
    found = Reasoning(
        effort,
        budget if isinstance(budget, int) else None,
        is_off=is_off or effort == "none",
        is_adaptive=text_of(member(thinking, "type")) in {"enabled", "adaptive"} and budget is None,
    )
    return None if found == Reasoning() else found


def _parse_messages(messages: object) -> list[Message]:
    if not isinstance(messages, list):
        raise InvalidRequest(f"'messages' must be a list of messages, not {messages!r:.80}.")
    parsed: list[Message] = []
    for position, message in enumerate(messages):
        if not isinstance(message, dict):
            raise InvalidRequest(f"messages[{position}] must be an object, not {message!r:.80}.")
        parsed.append(_parse_message(message, position, parsed))
    return parsed


def _parse_message(message: dict[str, Any], position: int, before: list[Message]) -> Message:
    role, name = text_of(message.get("role")), text_of(message.get("name"))
    extra = unknown_members(message)
    if role in {"tool", "function"}:
        call_id = text_of(message.get("tool_call_id")) if role == "tool" else _id_of_function(name, before)
        result = ToolResult(call_id, parse_content(message.get("content")), name)
        return Message("tool", [result], extra=extra)
    if role not in {"system", "developer", "user", "assistant"}:
        raise InvalidRequest(f"messages[{position}].role cannot be {message.get('role')!r:.80}.")
    return Message(cast("Role", role), parse_parts(message, str(position)), name, extra)


def _id_of_function(name: str, before: list[Message]) -> str:
    """A function's result names the function only: it belongs to the last call of that name."""
    for message in reversed(before):
        for part in message.parts:
            if isinstance(part, ToolCall) and part.name == name:
                return part.id
    return made_id(name, 0)
