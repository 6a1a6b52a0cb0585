"""Anthropic's tools → the hub: what has a schema is a function, all else is a tool that Anthropic knows itself."""

from typing import Any

from proxy.canonical.request import NativeTool, Tool, ToolChoice
from proxy.dialects.anthropic.blocks_in import parse_cache
from proxy.dialects.reading import text_of
from proxy.errors import InvalidRequest

_KNOWN = {"name", "description", "input_schema", "strict", "type", "cache_control"}


def parse_tools(listed: object) -> list[Tool | NativeTool]:
    if not isinstance(listed, list) or not all(isinstance(tool, dict) for tool in listed):
        raise InvalidRequest("`tools` must be a list of tool definitions.")
    return [_parse_tool(tool) for tool in listed]


def _parse_tool(raw: dict[str, Any]) -> Tool | NativeTool:
    if raw.get("type") not in (None, "custom"):  # of any kind, a list too
        return NativeTool("anthropic", raw)
    schema, strict = raw.get("input_schema"), raw.get("strict")
    return Tool(
        text_of(raw.get("name")),
        text_of(raw.get("description")),
        schema if isinstance(schema, dict) else None,
        strict if isinstance(strict, bool) else None,
        cache=parse_cache(raw),
        extra={name: value for name, value in raw.items() if name not in _KNOWN and value is not None},
    )


def parse_tool_choice(raw: object) -> tuple[ToolChoice | None, bool | None]:
    """The choice, and whether parallel calls are allowed: None where nothing is said."""
    if not isinstance(raw, dict):
        raise InvalidRequest("`tool_choice` must be an object with a `type`.")
    disabled = raw.get("disable_parallel_tool_use")
    is_parallel = None if disabled is None else not disabled
    match raw.get("type"):
        case "auto":
            return ToolChoice("auto"), is_parallel
        case "any":
            return ToolChoice("required"), is_parallel
        case "none":
            return ToolChoice("none"), is_parallel
        case "tool":
            return ToolChoice("tool", [text_of(raw.get("name"))]), is_parallel
    return ToolChoice("auto", native=raw), is_parallel
