"""The hub's tools and choice → Anthropic's."""

from typing import Any

from proxy.canonical.parts import ToolCall, ToolResult
from proxy.canonical.request import NativeTool, Request, Tool, ToolChoice
from proxy.dialects.anthropic.blocks_in import render_mark
from proxy.dialects.anthropic.names import fit
from proxy.dialects.anthropic.schemas import flatten
from proxy.dialects.functions import FREE_TEXT, NO_ARGUMENTS, tell_custom
from proxy.dialects.losses import Losses
from proxy.dialects.reading import member, text_of

# The oldest that every host knows; later ones run code to filter what they find.
_WEB_SEARCH = {"type": "web_search_20250305", "name": "web_search"}
_SEARCHES = {"web_search", "web_search_preview", "web_search_options", "googleSearch", "google_search"}
_LOCATION = ("city", "region", "country", "timezone")


def render_tools(request: Request, losses: Losses) -> list[dict[str, Any]]:
    is_own = request.dialect == "anthropic"
    rendered = []
    for tool in _allowed(request):
        if isinstance(tool, Tool):
            rendered.append(_render_tool(tool, losses, is_own=is_own))
        elif (native := _render_native(tool, losses)) is not None and native not in rendered:
            rendered.append(native)
    if not is_own and (options := request.rest.get("web_search_options")) is not None:
        rendered.append(_render_search(options, losses))
    if not rendered and not is_own:
        return _render_spoken_of(request)
    return rendered


def changed_names(request: Request) -> dict[str, str]:
    """Of tools: as Anthropic gets them → as the client wrote them."""
    if request.dialect == "anthropic":
        return {}
    pairs = ((fit(tool.name), tool.name) for tool in request.tools if isinstance(tool, Tool))
    return {fitting: name for fitting, name in pairs if fitting != name}


def render_tool_choice(
    request: Request, tools: list[dict[str, Any]], losses: Losses, *, can_force: bool = True
) -> dict[str, Any] | None:
    """None where nothing is to be said; without tools there is nothing to choose."""
    choice = request.tool_choice
    if not tools:
        return None
    if not request.tools and "web_search_options" not in request.rest:
        return {"type": "none"}
    is_own = request.dialect == "anthropic"
    rendered = _render_choice(choice, losses, is_own=is_own) if choice is not None else None
    if rendered is not None and rendered.get("type") in {"any", "tool"} and not can_force:
        losses.add("tool_choice", "This model always thinks, and a thinking model cannot be made to call a tool.")
        rendered = {"type": "auto"}
    if request.is_parallel is False and (rendered is None or rendered["type"] in {"auto", "any", "tool"}):
        rendered = {**(rendered or {"type": "auto"}), "disable_parallel_tool_use": True}
    return rendered


def _render_choice(choice: ToolChoice, losses: Losses, *, is_own: bool) -> dict[str, Any] | None:
    if choice.native:
        return choice.native if is_own else _render_native_choice(choice.native, losses)
    match choice.mode:
        case "tool" if choice.names:
            return {"type": "tool", "name": choice.names[0] if is_own else fit(choice.names[0])}
        case "required" | "tool":
            return {"type": "any"}
        case "none":
            return {"type": "none"}
    return {"type": "auto"}


def _render_native_choice(native: dict[str, Any], losses: Losses) -> dict[str, Any] | None:
    if text_of(native.get("type")) in _SEARCHES:
        return {"type": "tool", "name": "web_search"}
    losses.add("tool_choice", f"Anthropic has no tool {native.get('type')!r} to choose.")
    return None


def _allowed(request: Request) -> list[Tool | NativeTool]:
    """Where the choice allows some only, the others are not offered: Anthropic has no word for it."""
    choice = request.tool_choice
    if choice is None or choice.mode not in {"auto", "required"} or not choice.names:
        return request.tools
    return [tool for tool in request.tools if not isinstance(tool, Tool) or tool.name in choice.names]


def _render_tool(tool: Tool, losses: Losses, *, is_own: bool) -> dict[str, Any]:
    rendered: dict[str, Any] = {"name": tool.name if is_own else fit(tool.name)}
    if tool.description:
        rendered["description"] = tool.description
    rendered["input_schema"] = FREE_TEXT if tool.kind == "custom" else _schema(tool, losses, is_own=is_own)
    if is_own:
        if tool.is_strict is not None:
            rendered["strict"] = tool.is_strict
        rendered |= tool.extra
    else:
        _tell_lost(tool, losses)
    if tool.cache:
        rendered["cache_control"] = render_mark(tool.cache)
    return rendered


def _tell_lost(tool: Tool, losses: Losses) -> None:
    """`strict` goes on to nobody: Anthropic compiles such schemas, and refuses most that were not written for it."""
    if tool.is_strict:
        losses.add("tools.strict", "The schema is sent, but Anthropic is not held to it.")
    tell_custom(tool, losses)
    for name in tool.extra:
        if name != "format" or tool.extra[name] != {"type": "text"}:
            losses.add(f"tools.{name}", "Anthropic's tools have no such member.")


def _schema(tool: Tool, losses: Losses, *, is_own: bool) -> dict[str, Any]:
    """The API wants an object at the top, said so."""
    if not tool.schema:
        return NO_ARGUMENTS
    if is_own:
        return tool.schema
    flat, is_less = flatten(tool.schema)
    if is_less:
        losses.add("tools.parameters", "Anthropic refuses a choice at the top of a schema; it gets all members of it.")
    return flat


def _render_native(tool: NativeTool, losses: Losses) -> dict[str, Any] | None:
    if tool.dialect == "anthropic":
        return dict(tool.raw)
    kind = str(tool.raw.get("type") or next(iter(tool.raw), ""))
    if kind in _SEARCHES or kind.startswith("web_search"):
        return _render_search(tool.raw.get(kind, tool.raw), losses)
    losses.add(f"tools.{kind}", f"Only {tool.dialect} runs this tool.")
    return None


def _render_search(options: Any, losses: Losses) -> dict[str, Any]:
    rendered: dict[str, Any] = dict(_WEB_SEARCH)
    filters = member(options, "filters")
    for name in ("allowed_domains", "blocked_domains"):
        if (domains := member(filters, name)) and isinstance(domains, list):
            rendered[name] = domains
    where = member(options, "user_location")
    where = member(where, "approximate") or where
    if isinstance(where, dict) and (place := {name: where[name] for name in _LOCATION if where.get(name)}):
        rendered["user_location"] = {"type": "approximate", **place}
    if member(options, "search_context_size"):
        losses.add("search_context_size", "Anthropic's web search decides itself how much it reads.")
    return rendered


def _render_spoken_of(request: Request) -> list[dict[str, Any]]:
    """Tools that only the history names: messages with calls are refused where no tool is defined."""
    names = dict.fromkeys(
        fit(part.name) for message in request.messages for part in message.parts if isinstance(part, ToolCall)
    )
    has_results = any(isinstance(part, ToolResult) for message in request.messages for part in message.parts)
    if not names and not has_results:
        return []
    return [{"name": name, "input_schema": NO_ARGUMENTS} for name in names or {"unknown": None}]
