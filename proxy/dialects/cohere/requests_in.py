"""A request to Cohere's chat → the hub's: https://docs.cohere.com/reference/chat (November 2026)."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.parts import ToolResult
from proxy.canonical.request import Format, Message, NativeTool, Reasoning, Request, Tool, ToolChoice
from proxy.dialects.cohere.content_in import parse_content, parse_message_parts
from proxy.dialects.members import integer_in, number_in, object_in, objects_in, strings_in
from proxy.dialects.reading import text_of
from proxy.errors import InvalidRequest

_KNOWN = {
    "model", "messages", "tools", "strict_tools", "response_format", "max_tokens", "stop_sequences", "temperature",
    "seed", "frequency_penalty", "presence_penalty", "k", "p", "logprobs", "tool_choice", "thinking", "stream",
}  # fmt: skip
_CHOICES: dict[str, ToolChoice] = {"REQUIRED": ToolChoice("required"), "NONE": ToolChoice("none")}
_PARTS = {"role", "content", "tool_calls", "tool_plan", "citations", "tool_call_id"}


def parse_request(body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
    if not isinstance(body.get("messages"), list):
        raise InvalidRequest("'messages' has to be a list of messages.")
    return Request(
        "cohere",
        model or text_of(body.get("model")),
        [_parse_message(message) for message in objects_in(body, "messages")],
        tools=[_parse_tool(tool, body) for tool in objects_in(body, "tools")],
        tool_choice=_CHOICES.get(text_of(body.get("tool_choice"))),
        is_stream=bool(body.get("stream")) if is_stream is None else is_stream,
        max_tokens=integer_in(body, "max_tokens"),
        temperature=number_in(body, "temperature"),
        top_p=number_in(body, "p"),
        top_k=integer_in(body, "k"),
        stop=strings_in(body, "stop_sequences"),
        seed=integer_in(body, "seed"),
        presence_penalty=number_in(body, "presence_penalty"),
        frequency_penalty=number_in(body, "frequency_penalty"),
        logprobs=body.get("logprobs"),
        reasoning=_parse_thinking(body.get("thinking")),
        format=_parse_format(body.get("response_format")),
        rest={name: value for name, value in body.items() if name not in _KNOWN},
    )


def _parse_message(message: dict[str, Any]) -> Message:
    role = message.get("role")
    if role not in ("user", "assistant", "system", "developer", "tool"):
        raise InvalidRequest(f"A message's role is 'user', 'assistant', 'system' or 'tool', not {role!r}.")
    extra = {name: value for name, value in message.items() if name not in _PARTS}
    if role == "tool":
        result = ToolResult(text_of(message.get("tool_call_id")), parse_content(message.get("content")))
        return Message("tool", [result], extra=extra)
    parts = parse_message_parts(message) if role == "assistant" else parse_content(message.get("content"))
    return Message(role, parts, extra=extra)


def _parse_tool(tool: dict[str, Any], body: Mapping[str, Any]) -> Tool | NativeTool:
    function = tool.get("function")
    if not isinstance(function, dict):
        return NativeTool("cohere", tool)
    known = {"name", "description", "parameters"}
    return Tool(
        text_of(function.get("name")),
        text_of(function.get("description")),
        object_in(function, "parameters") or None,
        body.get("strict_tools"),
        extra={name: value for name, value in function.items() if name not in known},
    )


def _parse_thinking(thinking: object) -> Reasoning | None:
    if not isinstance(thinking, dict):
        return None
    if thinking.get("type") == "disabled":
        return Reasoning(is_off=True)
    budget = thinking.get("token_budget")
    return Reasoning(budget_tokens=budget if isinstance(budget, int) else -1)


def _parse_format(form: object) -> Format | None:
    if not isinstance(form, dict):
        return None
    if form.get("type") != "json_object":
        return Format("text")
    schema = form.get("json_schema") or form.get("schema")
    return Format("schema", schema) if isinstance(schema, dict) else Format("json")
