"""Tools and the choice among them, as this API writes them. Also for the echo of a request in its answer."""

from collections.abc import Iterable
from typing import Any

from proxy.canonical.request import NativeTool, Request, Tool, ToolChoice
from proxy.dialects.functions import NO_ARGUMENTS
from proxy.dialects.losses import Losses, native_kind
from proxy.dialects.responses.namespaces import inner_name, namespaces_of

_KEPT = "namespace_description"


def render_tools(request: Request, losses: Losses) -> list[dict[str, Any]]:
    """A function that does not say whether it is strict is so by default here, and is not so elsewhere: it is said."""
    rendered: list[dict[str, Any]] = []
    for tool in request.tools:
        if isinstance(tool, NativeTool):
            rendered.extend(_render_native(tool, losses))
            continue
        item = _render_callable(tool, losses, is_own=request.dialect == "responses")
        if not tool.namespace:
            rendered.append(item)
        elif rendered and rendered[-1].get("type") == "namespace" and rendered[-1]["name"] == tool.namespace:
            rendered[-1]["tools"].append(item)
        else:
            description = tool.extra.get(_KEPT, "")
            rendered.append({"type": "namespace", "name": tool.namespace, "description": description, "tools": [item]})
    return rendered


def _render_callable(tool: Tool, losses: Losses, *, is_own: bool) -> dict[str, Any]:
    item: dict[str, Any] = {"type": tool.kind, "name": inner_name(tool.name, tool.namespace)}
    if tool.description:
        item["description"] = tool.description
    if tool.kind == "function":
        item["parameters"] = tool.schema if tool.schema is not None or is_own else NO_ARGUMENTS
        if tool.is_strict is not None or not is_own:
            item["strict"] = bool(tool.is_strict)
    for name, value in tool.extra.items():
        if name == "format" and tool.kind == "custom":
            item["format"] = _flat_format(value)
        elif is_own and name != _KEPT:
            item[name] = value
        elif not is_own:
            losses.add(f"tools.{name}", "Functions have no such member here.")
    return item


def _flat_format(form: Any) -> Any:
    """Chat completions nest a grammar's members one deeper."""
    grammar = form.get("grammar") if isinstance(form, dict) else None
    return {"type": "grammar", **grammar} if isinstance(grammar, dict) else form


def _render_native(tool: NativeTool, losses: Losses) -> Iterable[dict[str, Any]]:
    if tool.dialect == "responses":
        return [tool.raw]
    kind = str(tool.raw.get("type", ""))
    if tool.dialect == "anthropic" and kind.startswith("web_search"):
        return [_web_search_of_anthropic(tool.raw, losses)]
    if tool.dialect == "gemini" and tool.raw.keys() & {"google_search", "googleSearch"}:
        return [{"type": "web_search"}]
    losses.add(native_kind(tool.raw), f"Only {tool.dialect} runs this tool.")
    return []


def _web_search_of_anthropic(raw: dict[str, Any], losses: Losses) -> dict[str, Any]:
    """https://platform.openai.com/docs/guides/tools-web-search (November 2026)."""
    tool: dict[str, Any] = {"type": "web_search"}
    if raw.get("allowed_domains"):
        tool["filters"] = {"allowed_domains": raw["allowed_domains"]}
    if isinstance(raw.get("user_location"), dict):
        tool["user_location"] = raw["user_location"]
    for name in ("max_uses", "blocked_domains"):
        if raw.get(name):
            losses.add(f"tools.{name}", "The web search here knows no such bound.")
    return tool


def render_tool_choice(request: Request, losses: Losses) -> str | dict[str, Any] | None:
    choice = request.tool_choice
    if choice is None:
        return None
    if choice.native and request.dialect == "responses":
        return choice.native
    if choice.native and not choice.names:
        losses.add("tool_choice", f"It names a tool that only {request.dialect} runs.")
        return None
    if choice.names:
        return _render_names(choice, request)
    return "auto" if choice.mode == "tool" else choice.mode


def _render_names(choice: ToolChoice, request: Request) -> dict[str, Any]:
    namespaces = namespaces_of(request)
    kinds = {tool.name: tool.kind for tool in request.tools if isinstance(tool, Tool)}
    named = [
        {"type": kinds.get(name, "function"), "name": inner_name(name, namespaces.get(name, ""))}
        | ({"namespace": namespaces[name]} if name in namespaces else {})
        for name in choice.names
    ]
    if choice.mode == "tool":
        return named[0]
    mode = "required" if choice.mode == "required" else "auto"
    return {"type": "allowed_tools", "mode": mode, "tools": named}
