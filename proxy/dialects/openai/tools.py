"""Tools and the choice among them: OpenAI's form ↔ canonical. https://platform.openai.com/docs/guides/function-calling

`functions` and `function_call` are the form before November 2023, still spoken by old clients.
"""

from collections.abc import Mapping
from typing import Any, Literal

from proxy.canonical.request import NativeTool, Tool, ToolChoice
from proxy.dialects.openai.message import parse_cache
from proxy.dialects.reading import member, text_of
from proxy.errors import InvalidRequest

_WORDS: dict[str, Literal["auto", "none", "required"]] = {
    "auto": "auto", "none": "none", "required": "required", "any": "required",
}  # fmt: skip
_FUNCTION = {"name", "description", "parameters", "strict"}


def parse_tools(tools: object) -> list[Tool | NativeTool]:
    if tools is None:
        return []
    if not isinstance(tools, list):
        raise InvalidRequest(f"'tools' must be a list, not {tools!r:.80}.")
    return [_parse_tool(tool) for tool in tools]


def _parse_tool(tool: object) -> Tool | NativeTool:
    if not isinstance(tool, dict):
        raise InvalidRequest(f"Each of 'tools' must be an object, not {tool!r:.80}.")
    function, custom = tool.get("function"), tool.get("custom")
    if tool.get("type", "function") == "function" and isinstance(function, dict):
        parsed = parse_function(function)
        parsed.cache = parse_cache(tool)
        return parsed
    if tool.get("type") == "custom" and isinstance(custom, dict):
        extra = {name: value for name, value in custom.items() if name not in {"name", "description"}}
        name, description = text_of(custom.get("name")), text_of(custom.get("description"))
        return Tool(name, description, kind="custom", cache=parse_cache(tool), extra=extra)
    return NativeTool("openai", tool)


def parse_function(function: Mapping[str, Any]) -> Tool:
    name, schema = function.get("name"), function.get("parameters")
    if not isinstance(name, str) or not name:
        raise InvalidRequest(f"A function needs a name: {dict(function)!r:.80}.")
    strict = function.get("strict")
    return Tool(
        name,
        text_of(function.get("description")),
        schema if isinstance(schema, dict) else None,
        strict if isinstance(strict, bool) else None,
        extra={key: value for key, value in function.items() if key not in _FUNCTION and value is not None},
    )


def render_tool(tool: Tool, *, is_own: bool) -> dict[str, Any]:
    extra = tool.extra if is_own else {}
    body: dict[str, Any] = {"name": tool.name}
    if tool.description:
        body["description"] = tool.description
    if tool.kind == "custom":
        said: dict[str, Any] = {"type": "custom", "custom": {**body, **extra}}
    else:
        if tool.schema is not None or not is_own:  # OpenAI takes none for empty, others want to be told
            body["parameters"] = tool.schema if tool.schema is not None else {"type": "object", "properties": {}}
        if tool.is_strict is not None:
            body["strict"] = tool.is_strict
        said = {"type": "function", "function": {**body, **extra}}
    if tool.cache and is_own:
        said["cache_control"] = {"type": "ephemeral", "ttl": tool.cache}
    return said


def parse_choice(choice: object) -> ToolChoice | None:
    """A word, one tool by name, or some allowed ones. `any` is Mistral's word for `required`."""
    if choice is None:
        return None
    if isinstance(choice, str) and choice in _WORDS:
        return ToolChoice(_WORDS[choice])
    if not isinstance(choice, dict):
        raise InvalidRequest(f"'tool_choice' must be 'auto', 'none', 'required' or an object, not {choice!r:.80}.")
    if choice.get("type") == "allowed_tools":
        return _parse_allowed(choice)
    name = text_of(member(choice.get("function") or choice.get("custom"), "name")) or text_of(choice.get("name"))
    return ToolChoice("tool", [name]) if name else ToolChoice("auto", native=choice)


def _parse_allowed(choice: Mapping[str, Any]) -> ToolChoice:
    allowed = choice.get("allowed_tools")
    tools = member(allowed, "tools")
    names = [text_of(member(tool.get("function") or tool.get("custom"), "name")) for tool in tools or ()]
    return ToolChoice("required" if member(allowed, "mode") == "required" else "auto", [name for name in names if name])


def render_choice(choice: ToolChoice, kinds: Mapping[str, str], *, is_own: bool) -> Any:
    """`kinds`: function or custom by the tool's name."""
    if choice.native:
        return choice.native if is_own else "auto"
    named = [_named(name, kinds) for name in choice.names]
    if choice.mode == "tool" and named:
        return named[0]
    if named and choice.mode in {"required", "auto"}:
        return {"type": "allowed_tools", "allowed_tools": {"mode": choice.mode, "tools": named}}
    return "required" if choice.mode == "tool" else choice.mode


def _named(name: str, kinds: Mapping[str, str]) -> dict[str, Any]:
    kind = kinds.get(name, "function")
    return {"type": kind, kind: {"name": name}}
