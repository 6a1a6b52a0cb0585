"""The canonical request → the body of generateContent. Model and streaming stand in the path, not in here."""

from typing import Any

from proxy.canonical.request import Rendered, Request
from proxy.dialects.gemini.contents import render_contents
from proxy.dialects.gemini.generation import render_generation
from proxy.dialects.gemini.models import mixes_tools
from proxy.dialects.gemini.tools import render_tool_choice, render_tools
from proxy.dialects.losses import Losses

_TIERS = {"standard": "standard", "default": "standard", "flex": "flex", "priority": "priority"}
_NO_PLACE = {
    "user": "Gemini takes no name of an end user.",
    "verbosity": "Gemini has no such setting; ask for it in words.",
}


def render_request(request: Request) -> Rendered:
    losses = Losses()
    system, contents = render_contents(request, losses)
    body: dict[str, Any] = {}
    if system:
        body["systemInstruction"] = {"parts": system}
    body["contents"] = contents
    tools = render_tools(request, losses)
    rest = _place_rest(request, tools, losses)
    if tools:
        body["tools"] = tools
    _add_config(body, "toolConfig", _tool_config(request, tools, losses))
    _add_config(body, "generationConfig", render_generation(request, losses))
    _note_unsaid(request, body, losses)
    for path, value in rest.items():
        _put(body, path.split("."), value)
    return Rendered(body, losses.found)


def _add_config(body: dict[str, Any], name: str, config: dict[str, Any]) -> None:
    if config:
        body[name] = config


def _tool_config(request: Request, tools: list[dict[str, Any]], losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if calling := render_tool_choice(request, tools, losses):
        config["functionCallingConfig"] = calling
    is_mixed = len(tools) > 1 and any("functionDeclarations" in tool for tool in tools)
    if is_mixed and request.dialect != "gemini" and mixes_tools(request.model):
        config["includeServerSideToolInvocations"] = True  # refused without
    return config


def _place_rest(request: Request, tools: list[dict[str, Any]], losses: Losses) -> dict[str, Any]:
    """What goes into the body as it is. A chat's web search is a tool here."""
    if request.dialect == "gemini":
        return request.rest
    for name in (name for name, value in request.rest.items() if value is not None):
        is_search = name == "web_search_options" and (not tools or mixes_tools(request.model))
        if is_search and {"googleSearch": {}} not in tools:
            tools.append({"googleSearch": {}})
        elif not is_search:
            losses.add(name, "Gemini has no such parameter.")
    return {}


def _note_unsaid(request: Request, body: dict[str, Any], losses: Losses) -> None:
    for member, reason in _NO_PLACE.items():
        if getattr(request, member):
            losses.of(request, member, reason)
    if request.is_parallel is False:
        losses.of(request, "is_parallel", "Gemini calls as many functions at once as it likes.")
    if tier := _TIERS.get(request.service_tier, ""):
        body["serviceTier"] = tier
    elif request.service_tier not in {"", "auto"}:
        losses.add("service_tier", f"Google has no service tier {request.service_tier!r}.")


def _put(body: dict[str, Any], path: list[str], value: Any) -> None:
    """Under a dotted name, as `parse_request` took it apart."""
    *outer, last = path
    for name in outer:
        body = body.setdefault(name, {})
    body[last] = value
