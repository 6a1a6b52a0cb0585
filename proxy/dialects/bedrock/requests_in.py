"""A Converse request → the hub's.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (November 2026). The path says
stream and model. What a model takes beside the common parameters stands in `additionalModelRequestFields`; what is
known of it here is named in `model_fields.py`.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from proxy.canonical.parts import Native, Part, ToolResult
from proxy.canonical.request import Format, Message, NativeTool, Request, Role, Tool, ToolChoice
from proxy.dialects.bedrock.blocks_in import cache_ttl, parse_blocks
from proxy.dialects.bedrock.model_fields import parse_model_fields, take_effort
from proxy.dialects.members import integer_in, number_in, object_in, objects_in, strings_in
from proxy.dialects.reading import member, text_of
from proxy.errors import InvalidRequest

_KNOWN = {
    "modelId", "messages", "system", "inferenceConfig", "toolConfig", "additionalModelRequestFields", "outputConfig",
    "serviceTier",
}  # fmt: skip
_INFERENCE = {"maxTokens", "temperature", "topP", "stopSequences"}


def parse_request(body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
    if not isinstance(body.get("messages"), list):
        raise InvalidRequest("'messages' has to be a list of messages.")
    messages = objects_in(body, "messages")
    request = Request(
        "bedrock",
        model or text_of(body.get("modelId")),
        _parse_system(body.get("system")) + [one for message in messages for one in _parse_message(message)],
        is_stream=bool(is_stream),
        service_tier=text_of(member(body.get("serviceTier"), "type")),
        rest={name: value for name, value in body.items() if name not in _KNOWN},
    )
    _take_inference(object_in(body, "inferenceConfig"), request)
    _take_tools(object_in(body, "toolConfig"), request)
    parse_model_fields(object_in(body, "additionalModelRequestFields"), request)
    _take_output(object_in(body, "outputConfig"), request)
    return request


def _parse_system(blocks: object) -> list[Message]:
    parts = parse_blocks(blocks)
    return [Message("system", parts)] if parts else []


def _parse_message(message: dict[str, Any]) -> list[Message]:
    """A user's turn with tool results becomes one of role `tool`, and one of the user for what else is there."""
    role = message.get("role")
    if role not in ("user", "assistant", "system"):
        raise InvalidRequest(f"A message's role is 'user' or 'assistant', not {role!r}.")
    parts = parse_blocks(message.get("content"))
    if role != "user":
        return [Message(role, parts)]
    turns: list[Message] = []
    for part in parts:
        turn: Role = "tool" if _is_result(part) or _follows_result(part, turns) else "user"
        if not turns or turns[-1].role != turn:
            turns.append(Message(turn, []))
        turns[-1].parts.append(part)
    return turns or [Message("user", [])]


def _is_result(part: Part) -> bool:
    return isinstance(part, ToolResult)


def _follows_result(part: Part, turns: list[Message]) -> bool:
    """A second cache point behind a result has nowhere else to stand."""
    return bool(turns) and turns[-1].role == "tool" and isinstance(part, Native) and "cachePoint" in part.raw


def _take_inference(config: dict[str, Any], request: Request) -> None:
    request.max_tokens = integer_in(config, "maxTokens")
    request.temperature = number_in(config, "temperature")
    request.top_p = number_in(config, "topP")
    request.stop = strings_in(config, "stopSequences")
    if unknown := {name: value for name, value in config.items() if name not in _INFERENCE}:
        request.rest["inferenceConfig"] = unknown


def _take_tools(config: dict[str, Any], request: Request) -> None:
    for tool in objects_in(config, "tools"):
        _take_tool(tool, request)
    choice = object_in(config, "toolChoice")
    if "tool" in choice:
        request.tool_choice = ToolChoice("tool", [text_of(member(choice["tool"], "name"))])
    elif "any" in choice:
        request.tool_choice = ToolChoice("required")
    elif "auto" in choice:
        request.tool_choice = ToolChoice("auto")


def _take_tool(tool: dict[str, Any], request: Request) -> None:
    spec = tool.get("toolSpec")
    if isinstance(spec, dict):
        request.tools.append(_parse_spec(spec))
        return
    last = request.tools[-1] if request.tools else None
    if (ttl := cache_ttl(tool)) is not None and isinstance(last, Tool) and last.cache is None:
        last.cache = ttl
    else:
        request.tools.append(NativeTool("bedrock", tool))


def _parse_spec(spec: dict[str, Any]) -> Tool:
    known = {"name", "description", "inputSchema", "strict"}
    return Tool(
        text_of(spec.get("name")),
        text_of(spec.get("description")),
        object_in(object_in(spec, "inputSchema"), "json") or None,
        spec.get("strict"),
        extra={name: value for name, value in spec.items() if name not in known},
    )


def _take_output(config: dict[str, Any], request: Request) -> None:
    rest = dict(config)
    take_effort(rest.pop("effort", None), request)
    definition = member(member(rest.get("textFormat"), "structure"), "jsonSchema")
    if isinstance(definition, dict):
        rest.pop("textFormat")
        request.format = Format(
            "schema",
            _parse_schema(definition.get("schema")),
            text_of(definition.get("name")),
            text_of(definition.get("description")),
        )
    if rest:
        request.rest["outputConfig"] = rest


def _parse_schema(text: object) -> dict[str, Any]:
    try:
        schema = orjson.loads(text) if isinstance(text, str) else text
    except orjson.JSONDecodeError as error:
        raise InvalidRequest("'outputConfig.textFormat.structure.jsonSchema.schema' has to be JSON text.") from error
    if not isinstance(schema, dict):
        raise InvalidRequest("'outputConfig.textFormat.structure.jsonSchema.schema' has to be a JSON object as text.")
    return schema
