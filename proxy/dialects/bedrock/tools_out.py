"""The hub's tools and choice → Converse's `toolConfig`.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolConfiguration.html (November 2026). It has to be
there where the conversation holds calls or results, and it has no way to forbid calls.
"""

from typing import Any

from proxy.canonical.parts import ToolCall, ToolResult
from proxy.canonical.request import NativeTool, Request, Tool
from proxy.dialects.bedrock.blocks_out import cache_point
from proxy.dialects.bedrock.families import can_force_tools, can_name_tool, has_cache_points_on_tools
from proxy.dialects.bedrock.names import fit_name
from proxy.dialects.functions import FREE_TEXT, NO_ARGUMENTS, tell_custom
from proxy.dialects.losses import Losses, native_kind


def render_tools(request: Request, losses: Losses) -> dict[str, Any] | None:
    spoken_of = _tools_spoken_of(request)
    choice = request.tool_choice
    if choice is not None and choice.mode == "none":
        if not spoken_of:
            return None
        if request.tools:
            losses.add("tool_choice", "Bedrock cannot forbid calls where the conversation already holds some.")
    rendered = [entry for tool in _allowed(request) for entry in _render_tool(tool, request, losses)]
    if not rendered:
        rendered = [{"toolSpec": {"name": name, "inputSchema": {"json": NO_ARGUMENTS}}} for name in spoken_of]
    if not rendered:
        return None
    config: dict[str, Any] = {"tools": rendered}
    if request.tools and (forced := _render_choice(request, losses)) is not None:
        config["toolChoice"] = forced
    return config


def changed_names(request: Request) -> dict[str, str]:
    """What an answer calls a tool → what the client does, where Bedrock does not take the client's name."""
    fitted = ((fit_name(tool.name), tool.name) for tool in request.tools if isinstance(tool, Tool))
    return {name: own for name, own in fitted if name != own}


def _tools_spoken_of(request: Request) -> list[str]:
    """Names of the tools that the conversation's calls and results are of."""
    names: dict[str, None] = {}
    for message in request.messages:
        for part in message.parts:
            if isinstance(part, ToolCall):
                names[fit_name(part.name)] = None
            elif isinstance(part, ToolResult):
                names[fit_name(part.name or request.tool_name(part.id) or "unknown")] = None
    return list(names)


def _allowed(request: Request) -> list[Tool | NativeTool]:
    """Where the choice allows some only, the others are not offered: Bedrock has no word for it."""
    choice = request.tool_choice
    if choice is None or choice.mode == "none" or not choice.names:
        return request.tools
    if choice.mode == "tool" and (request.dialect == "bedrock" or can_name_tool(request.model)):
        return request.tools
    return [tool for tool in request.tools if not isinstance(tool, Tool) or tool.name in choice.names]


def _render_tool(tool: Tool | NativeTool, request: Request, losses: Losses) -> list[dict[str, Any]]:
    if isinstance(tool, NativeTool):
        if tool.dialect == "bedrock":
            return [tool.raw]
        losses.add(native_kind(tool.raw), "Bedrock does not run this tool.")
        return []
    spec: dict[str, Any] = {"name": fit_name(tool.name)}
    if tool.description.strip():
        spec["description"] = tool.description
    spec["inputSchema"] = {"json": FREE_TEXT if tool.kind == "custom" else _object_schema(tool.schema)}
    if request.dialect == "bedrock":
        if tool.is_strict is not None:
            spec["strict"] = tool.is_strict
        spec |= tool.extra
    else:
        _tell_lost(tool, losses)
    is_marked = tool.cache and (request.dialect == "bedrock" or has_cache_points_on_tools(request.model))
    return [{"toolSpec": spec}, cache_point(tool.cache)] if tool.cache and is_marked else [{"toolSpec": spec}]


def _tell_lost(tool: Tool, losses: Losses) -> None:
    """`strict` goes on to nobody: models without it refuse it, and those with it refuse most schemas."""
    if tool.is_strict:
        losses.add("tools.strict", "The schema is sent, but the model is not held to it.")
    tell_custom(tool, losses)
    for name in tool.extra:
        losses.add(f"tools.{name}", "Bedrock's tools have no such member.")


def _object_schema(schema: dict[str, Any] | None) -> dict[str, Any]:
    if not schema:
        return NO_ARGUMENTS
    return schema if schema.get("type") else {"type": "object", **schema}


def _render_choice(request: Request, losses: Losses) -> dict[str, Any] | None:
    """Thinking yields to a forced tool before this is asked."""
    choice = request.tool_choice
    if choice is None or choice.mode == "none":
        return None
    if choice.native:
        losses.add("tool_choice", "Bedrock does not run the tool that was chosen.")
        return None
    is_choosy = request.dialect == "bedrock" or can_force_tools(request.model)
    if choice.mode == "auto":  # goes without saying, and some models do not let it be said
        return {"auto": {}} if is_choosy else None
    if not is_choosy:
        losses.add("tool_choice", "On Bedrock this model cannot be made to call a tool.")
        return None
    if choice.mode == "tool" and choice.names and (request.dialect == "bedrock" or can_name_tool(request.model)):
        return {"tool": {"name": fit_name(choice.names[0])}}
    return {"any": {}}
