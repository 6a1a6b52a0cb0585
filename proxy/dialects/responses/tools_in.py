"""Tools of a request, and which of them the model may or must call."""

from typing import Any, Literal

from proxy.canonical.request import NativeTool, Tool, ToolChoice
from proxy.dialects.reading import text_of
from proxy.dialects.responses.namespaces import flat_name
from proxy.dialects.responses.parts_in import list_of
from proxy.errors import InvalidRequest

_CHOICES: dict[str, Literal["auto", "none", "required"]] = {"auto": "auto", "none": "none", "required": "required"}
_CALLABLE = {"function", "custom"}


def parse_tools(tools: object) -> list[Tool | NativeTool]:
    """Functions and custom tools, those of a namespace one by one; what the provider runs itself stays as it is."""
    if tools is None:
        return []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise InvalidRequest("'tools' must be a list of objects.")
    return [parsed for tool in tools for parsed in _parse_tool(tool)]


def _parse_tool(tool: dict[str, Any]) -> list[Tool | NativeTool]:
    kind = text_of(tool.get("type"))
    if kind in _CALLABLE:
        return [_parse_callable(tool)]
    if kind == "namespace" and isinstance(tool.get("tools"), list):
        return _parse_namespace(tool)
    return [NativeTool("responses", tool)]


def is_callable(tool: dict[str, Any]) -> bool:
    return text_of(tool.get("type", "function")) in _CALLABLE


def _parse_namespace(namespace: dict[str, Any]) -> list[Tool | NativeTool]:
    """Its description goes with its first tool, where `render_tools` finds it again."""
    name = text_of(namespace.get("name"))
    members = namespace["tools"]
    if not members or not all(isinstance(tool, dict) and is_callable(tool) for tool in members):
        return [NativeTool("responses", namespace)]
    found = [_parse_callable(tool, name) for tool in members]
    if namespace.get("description"):
        found[0].extra["namespace_description"] = namespace["description"]
    return list(found)


def _parse_callable(tool: dict[str, Any], namespace: str = "") -> Tool:
    """Some clients nest the function's members as chat completions do: they are read all the same."""
    nested = tool.get("function")
    rest = {**tool, **nested} if isinstance(nested, dict) else dict(tool)
    for read in ("type", "function"):
        rest.pop(read, None)
    name = text_of(rest.pop("name", None))
    if not name:
        raise InvalidRequest("A tool of 'tools' has no 'name'.")
    schema, is_strict = rest.pop("parameters", None), rest.pop("strict", None)
    return Tool(
        flat_name(namespace, name),
        text_of(rest.pop("description", None)),
        schema if isinstance(schema, dict) else None,
        is_strict if isinstance(is_strict, bool) else None,
        "custom" if tool.get("type") == "custom" else "function",
        extra={key: value for key, value in rest.items() if value is not None},
        namespace=namespace,
    )


def parse_tool_choice(choice: object) -> ToolChoice | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _CHOICES:
            raise InvalidRequest(f"'tool_choice' is {choice!r}; use auto, none, required or an object.")
        return ToolChoice(_CHOICES[choice])
    if not isinstance(choice, dict):
        raise InvalidRequest("'tool_choice' must be a string or an object.")
    if is_callable(choice):
        return ToolChoice("tool", [_chosen_name(choice)])
    if choice.get("type") == "allowed_tools":
        return _parse_allowed(choice)
    return ToolChoice("tool", native=choice)


def _parse_allowed(choice: dict[str, Any]) -> ToolChoice:
    """`native` keeps the whole list when it allows what the provider runs itself, too."""
    tools = [tool for tool in list_of(choice.get("tools")) if isinstance(tool, dict)]
    names = [_chosen_name(tool) for tool in tools if is_callable(tool)]
    is_plain = len(names) == len(tools)
    return ToolChoice("required" if choice.get("mode") == "required" else "auto", names, {} if is_plain else choice)


def _chosen_name(choice: dict[str, Any]) -> str:
    nested = choice.get("function")
    named = nested if isinstance(nested, dict) else choice
    return flat_name(text_of(named.get("namespace")), text_of(named.get("name")))
