"""A request of this API → `Request`. What has no place there stays in `rest`, under its own name."""

from collections.abc import Mapping
from typing import Any, get_args

from proxy.canonical.parts import Text
from proxy.canonical.request import Effort, Format, Message, Reasoning, Request
from proxy.dialects.members import integer_in
from proxy.dialects.reading import text_of
from proxy.dialects.responses.items_in import parse_input
from proxy.dialects.responses.tools_in import parse_tool_choice, parse_tools
from proxy.errors import InvalidRequest

_EFFORTS = get_args(Effort)
_NUMBERS = {"max_output_tokens": int, "temperature": float, "top_p": float, "top_logprobs": int}
_READ = {
    "model", "input", "instructions", "tools", "tool_choice", "parallel_tool_calls", "stream", "max_output_tokens",
    "temperature", "top_p", "top_logprobs", "user", "service_tier", "text", "reasoning", "include", "background",
    "truncation", "metadata", "store",
}  # fmt: skip
_LOGPROBS = "message.output_text.logprobs"
_ENCRYPTED = "reasoning.encrypted_content"


def parse_request(body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
    """Raises InvalidRequest."""
    numbers = {name: _number(body, name, kind) for name, kind in _NUMBERS.items()}
    request = Request(
        "responses",
        model or text_of(body.get("model")),
        [*_instructions(body), *parse_input(body.get("input"))],
        parse_tools(body.get("tools")),
        parse_tool_choice(body.get("tool_choice")),
        is_parallel=_flag(body, "parallel_tool_calls"),
        is_stream=bool(body.get("stream")) if is_stream is None else is_stream,
        max_tokens=numbers["max_output_tokens"],
        temperature=numbers["temperature"],
        top_p=numbers["top_p"],
        top_logprobs=numbers["top_logprobs"] or None,
        user=text_of(body.get("user")),
        service_tier=text_of(body.get("service_tier")),
        rest={name: value for name, value in body.items() if name not in _READ and value is not None},
    )
    _take_text(body.get("text"), request)
    _take_reasoning(body.get("reasoning"), request)
    _take_what_is_not_usual(body, request)
    return request


def _instructions(body: Mapping[str, Any]) -> list[Message]:
    instructions = body.get("instructions")
    if isinstance(instructions, list):  # a template's, as an answer echoes them
        return parse_input(instructions)
    if instructions is not None and not isinstance(instructions, str):
        raise InvalidRequest("'instructions' must be a string.")
    return [Message("system", [Text(instructions)])] if instructions else []


def _take_text(text: object, request: Request) -> None:
    if not isinstance(text, dict):
        return
    rest = {name: value for name, value in text.items() if name not in {"format", "verbosity"} and value is not None}
    request.verbosity = text_of(text.get("verbosity"))
    form = text.get("format")
    if isinstance(form, dict):
        request.format = _parse_format(form)
    if rest:
        request.rest["text"] = rest


def _parse_format(form: dict[str, Any]) -> Format:
    kind = form.get("type", "text")
    if kind == "json_object":
        return Format("json")
    if kind == "text" or kind is None:
        return Format("text")
    if kind != "json_schema":
        raise InvalidRequest(f"'text.format.type' is {kind!r}; use text, json_object or json_schema.")
    is_strict = form.get("strict")
    return Format(
        "schema",
        form.get("schema") if isinstance(form.get("schema"), dict) else {},
        text_of(form.get("name")),
        text_of(form.get("description")),
        is_strict if isinstance(is_strict, bool) else None,
    )


def _take_reasoning(reasoning: object, request: Request) -> None:
    if not isinstance(reasoning, dict):
        return
    effort, summary = reasoning.get("effort"), reasoning.get("summary") or reasoning.get("generate_summary")
    if effort is not None and text_of(effort) not in _EFFORTS:
        raise InvalidRequest(f"'reasoning.effort' is {effort!r}; use one of {', '.join(_EFFORTS)}.")
    if effort is not None or summary is not None:
        request.reasoning = Reasoning(
            effort, is_off=effort == "none", summary=summary if isinstance(summary, str) else None
        )
    known = {"effort", "summary", "generate_summary"}
    rest = {name: value for name, value in reasoning.items() if name not in known and value is not None}
    if rest:
        request.rest["reasoning"] = rest


def _take_what_is_not_usual(body: Mapping[str, Any], request: Request) -> None:
    """Members that say no more than their defaults do are nobody's loss."""
    given = body.get("include")
    include = [name for name in given if isinstance(name, str)] if isinstance(given, list) else []
    if _LOGPROBS in include:
        request.logprobs = True
        include.remove(_LOGPROBS)
    usual: dict[str, object] = {"background": False, "truncation": "disabled", "metadata": {}}
    said = {name: body[name] for name, default in usual.items() if body.get(name) not in (None, default)}
    request.rest.update(said)
    if _ENCRYPTED in include:  # others sign what they think without being asked, and `proxy/memory.py` keeps it
        request.hints["include"] = [_ENCRYPTED]
        include.remove(_ENCRYPTED)
    if include:
        request.rest["include"] = include
    if isinstance(body.get("store"), bool):
        request.hints["store"] = body["store"]


def _number(body: Mapping[str, Any], name: str, kind: type) -> Any:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidRequest(f"{name!r} must be a number.")
    return integer_in(body, name) if kind is int else float(value)


def _flag(body: Mapping[str, Any], name: str) -> bool | None:
    value = body.get(name)
    return value if isinstance(value, bool) else None
