"""Tools and the choice among them, both ways. https://ai.google.dev/api/caching#Tool (November 2026).

All functions stand in one entry of `tools`: more than one is refused. Every other member of an entry is a tool that
Google runs itself.
"""

from typing import Any

from proxy.canonical.request import NativeTool, Request, Tool, ToolChoice
from proxy.dialects.functions import FREE_TEXT
from proxy.dialects.gemini.models import mixes_tools, takes_json_schema
from proxy.dialects.gemini.names import fit
from proxy.dialects.gemini.schemas import Schema, from_openapi, to_json_schema, to_openapi
from proxy.dialects.gemini.spelling import demand_members, listed, members
from proxy.dialects.losses import Losses
from proxy.dialects.reading import text_of

_KNOWN = {"name", "description", "parameters", "parametersJsonSchema"}
_SPELLINGS = ("parameters", "parametersJsonSchema")
# What other providers run themselves and Google has, too, by the beginning of its type.
_ALIKE = {"web_search": "googleSearch", "web_fetch": "urlContext", "code_": "codeExecution"}
_NO_SETTINGS = {"type", "name", "cache_control"}


def parse_tools(tools: object) -> list[Tool | NativeTool]:
    found: list[Tool | NativeTool] = []
    for index, one in enumerate(listed(tools, "tools")):
        for name, value in demand_members(one, f"tools[{index}]").items():
            if name == "functionDeclarations":
                declared = listed(value, f"tools[{index}].functionDeclarations")
                found.extend(_parse_function(function, f"tools[{index}]") for function in declared)
            else:
                found.append(NativeTool("gemini", {name: value}))
    return found


def _parse_function(function: object, place: str) -> Tool:
    declared = demand_members(function, place)
    schema = declared.get("parametersJsonSchema")
    if schema is None and isinstance(declared.get("parameters"), dict):
        schema = from_openapi(declared["parameters"])
    return Tool(
        text_of(declared.get("name")),
        text_of(declared.get("description")),
        schema if isinstance(schema, dict) else None,
        extra={name: value for name, value in declared.items() if name not in _KNOWN},
    )


def render_tools(request: Request, losses: Losses) -> list[dict[str, Any]]:
    functions: list[dict[str, Any]] = []
    tools: list[dict[str, Any]] = []
    for tool in request.tools:
        if isinstance(tool, Tool):
            functions.append(_render_function(tool, request, losses))
            rendered: dict[str, Any] = {"functionDeclarations": functions}
        else:
            rendered = tool.raw if tool.dialect == "gemini" else _render_native(tool, request, losses)
        if rendered and rendered not in tools:
            tools.append(rendered)
    return tools


def _render_function(tool: Tool, request: Request, losses: Losses) -> dict[str, Any]:
    function: dict[str, Any] = {"name": fit(tool.name)}
    if tool.description:
        function["description"] = tool.description
    if tool.kind == "custom":
        losses.add(f"tools.{tool.name}", "A custom tool becomes a function with one text argument, 'input'.")
    schema = FREE_TEXT if tool.kind == "custom" else tool.schema
    if schema:
        function.update(render_schema(schema, request, losses, _SPELLINGS, f"tools.{tool.name}"))
    if request.dialect == "gemini":
        return {**function, **tool.extra}
    for name in (name for name, value in tool.extra.items() if value):  # a setting that is off is no loss
        losses.add(f"tools.{name}", "Gemini has no such member of a function.")
    if tool.is_strict:
        losses.add("strict", "Gemini follows schemas as well as it can: calls are checked by whoever takes them.")
    return function


def render_schema(
    schema: Schema, request: Request, losses: Losses, spellings: tuple[str, str], name: str
) -> dict[str, Any]:
    """The schema under the name of the spelling that the model takes: the subset's or JSON Schema's."""
    subset, whole = spellings
    if not takes_json_schema(request.model):
        rendered, dropped = to_openapi(schema)
        found = {subset: rendered}
    elif request.dialect == "gemini":
        return {whole: schema}
    else:
        rendered, dropped = to_json_schema(schema)
        found = {whole: rendered}
    for keyword in dropped:
        losses.add(f"{name}.{keyword}", "Gemini takes no such keyword in a schema.")
    is_empty = rendered.get("type") == "object" and not rendered.get("properties")
    return {} if is_empty and "parameters" in found else found  # the subset has no object without properties


def _render_native(tool: NativeTool, request: Request, losses: Losses) -> dict[str, Any]:
    kind = text_of(tool.raw.get("type")) or next(iter(tool.raw), "")
    name = next((own for beginning, own in _ALIKE.items() if kind.startswith(beginning)), None)
    has_functions = any(isinstance(one, Tool) for one in request.tools)
    if name is None:
        losses.add(f"tools.{kind}", "Google runs no such tool.")
        return {}
    if has_functions and not mixes_tools(request.model):
        losses.add(f"tools.{kind}", "This model takes either functions or tools that Google runs, not both.")
        return {}
    for setting in sorted(name for name, value in tool.raw.items() if value and name not in _NO_SETTINGS):
        losses.add(f"tools.{kind}.{setting}", f"Google's {name} has no such setting.")
    return {name: {}}


def parse_tool_choice(config: object) -> tuple[ToolChoice | None, dict[str, Any]]:
    """The choice, and what else `toolConfig` said, under dotted names."""
    whole = dict(members(config))
    calling = dict(members(whole.pop("functionCallingConfig", None)))
    rest = {f"toolConfig.{name}": value for name, value in whole.items()}
    mode = text_of(calling.pop("mode", "")).upper()
    allowed = listed(calling.pop("allowedFunctionNames", None), "toolConfig.functionCallingConfig.allowedFunctionNames")
    names = [name for name in allowed if isinstance(name, str)]
    rest.update({f"toolConfig.functionCallingConfig.{name}": value for name, value in calling.items()})
    if mode == "NONE":
        return ToolChoice("none"), rest
    if mode == "ANY":
        return ToolChoice("tool" if len(names) == 1 else "required", names), rest
    if mode == "VALIDATED":  # like AUTO, with arguments that follow their schema
        rest["toolConfig.functionCallingConfig.mode"] = mode
    return (ToolChoice("auto", names) if mode in {"AUTO", "VALIDATED"} else None), rest


def render_tool_choice(request: Request, tools: list[dict[str, Any]], losses: Losses) -> dict[str, Any]:
    """`functionCallingConfig`, but for what `rest` adds; allowed names go with ANY and VALIDATED only."""
    choice = request.tool_choice
    has_functions = any("functionDeclarations" in tool for tool in tools)
    if choice is None or not (has_functions or request.dialect == "gemini"):
        return {}
    if choice.native:
        losses.add("tool_choice", "Google's own tools cannot be forced.")
        return {}
    if choice.mode in {"none", "auto"}:
        if choice.mode == "auto" and choice.names:
            return {"mode": "VALIDATED", "allowedFunctionNames": [fit(name) for name in choice.names]}
        return {"mode": choice.mode.upper()}
    names = [fit(name) for name in choice.names]
    return {"mode": "ANY", **({"allowedFunctionNames": names} if names else {})}
