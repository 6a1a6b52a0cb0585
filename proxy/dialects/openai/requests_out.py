"""Request → body of a chat completion.

A request that came in this dialect keeps all it said. One from another dialect is fitted to OpenAI's models by the
rules of `models.py`, and what has no place becomes a Loss.
"""

from typing import Any

import msgspec

from proxy.canonical.request import Format, NativeTool, Reasoning, Rendered, Request, Tool
from proxy.dialects.losses import Losses, native_kind
from proxy.dialects.openai.messages_out import render_messages
from proxy.dialects.openai.models import (
    effort_of,
    is_never_thinking,
    is_openai,
    is_reasoning,
    takes_effort,
    takes_parallel,
    takes_search,
)
from proxy.dialects.openai.names import fit_name
from proxy.dialects.openai.tools import render_choice, render_tool

MOST_STOPS = 4  # https://platform.openai.com/docs/api-reference/chat/create#chat-create-stop
_TIERS = {"auto", "default", "flex", "scale", "priority"}
_SHARED = {"prompt_cache_key", "prompt_cache_retention", "safety_identifier"}  # both of OpenAI's APIs take them
_IDLE = {"store", "include"}  # what the Responses API keeps or shows beside the answer: nothing of the answer is lost
_SEARCHES = ("web_search", "google_search", "googleSearch")  # how the names of others begin
_REFUSED = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "stop")
_DEFAULTS = {"temperature": 1.0, "top_p": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0, "logprobs": False}


def render_request(request: Request) -> Rendered:
    losses = Losses()
    is_own = request.dialect == "openai"
    body: dict[str, Any] = {"model": request.model, "messages": render_messages(request, losses)}
    body |= _render_tools(request, losses, is_own=is_own)
    body |= _render_limits(request, losses, is_own=is_own)
    body |= _render_reasoning(request, losses, is_own=is_own)
    body |= _render_format(request.format) if request.format else {}
    body |= _render_words(request, losses, is_own=is_own)
    if request.is_stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    _add_rest(body, request, losses, is_own=is_own)
    names = (tool.name for tool in request.tools if isinstance(tool, Tool))
    fitted = {} if is_own else {fit_name(name): name for name in names if fit_name(name) != name}
    return Rendered(body, losses.found, tool_names=fitted)


def _render_limits(request: Request, losses: Losses, *, is_own: bool) -> dict[str, Any]:
    """Numbers. Reasoning models refuse to be told how to choose their words, unless it is what they do anyway."""
    said: dict[str, Any] = {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "presence_penalty": request.presence_penalty,
        "frequency_penalty": request.frequency_penalty,
        "logprobs": request.logprobs,
        "top_logprobs": request.top_logprobs,
        "stop": request.stop or None,
        "seed": request.seed,
        "n": request.count,
    }
    if not is_own and is_reasoning(request.model):
        for name in _REFUSED:
            if said[name] is not None and said.pop(name) != _DEFAULTS.get(name):
                losses.of(request, name, f"{request.model} does not take it")
    if not is_own and len(request.stop) > MOST_STOPS and said.get("stop"):
        said["stop"] = request.stop[:MOST_STOPS]
        losses.of(request, "stop", f"Chat Completions takes {MOST_STOPS} of them")
    if request.top_k is not None:
        if is_own:
            said["top_k"] = request.top_k
        else:
            losses.of(request, "top_k", "Chat Completions has no such parameter")
    limit = "max_completion_tokens" if is_reasoning(request.model) else "max_tokens"
    said[limit] = request.max_tokens
    return {name: value for name, value in said.items() if value is not None}


def _render_tools(request: Request, losses: Losses, *, is_own: bool) -> dict[str, Any]:
    said: dict[str, Any] = {}
    tools: list[dict[str, Any]] = []
    for tool in request.tools:
        if isinstance(tool, NativeTool):
            said |= _render_native(tool, request.model, tools, losses)
            continue
        for name in () if is_own or tool.kind == "custom" else tool.extra:
            losses.add(name, "Chat Completions has no such member of a tool")
        rendered = render_tool(tool, is_own=is_own or tool.kind == "custom")
        if not is_own:
            rendered[tool.kind]["name"] = fit_name(tool.name)
        tools.append(rendered)
    if not tools:
        return said
    said["tools"] = tools
    if (choice := request.tool_choice) is not None:
        fit = str if is_own else fit_name
        kinds = {fit(tool.name): tool.kind for tool in request.tools if isinstance(tool, Tool)}
        if choice.native and not is_own:
            losses.add("tool_choice", "it names a tool that only its own provider has")
        fitted = msgspec.structs.replace(choice, names=[fit(name) for name in choice.names])
        said["tool_choice"] = render_choice(fitted, kinds, is_own=is_own)
    if request.is_parallel is not None and (is_own or takes_parallel(request.model)):
        said["parallel_tool_calls"] = request.is_parallel
    return said


def _render_native(tool: NativeTool, model: str, tools: list[dict[str, Any]], losses: Losses) -> dict[str, Any]:
    if tool.dialect == "openai":
        tools.append(tool.raw)
        return {}
    name = native_kind(tool.raw)
    if name.startswith(_SEARCHES) and takes_search(model):
        return {"web_search_options": {}}
    losses.add(name, "a tool that its own provider runs; Chat Completions has none like it for this model")
    return {}


def _render_reasoning(request: Request, losses: Losses, *, is_own: bool) -> dict[str, Any]:
    reasoning = request.reasoning
    if reasoning is None:
        return {}
    if is_own:
        return _own_reasoning(reasoning)
    effort = effort_of(reasoning, request.model)
    if effort is None:
        return {}
    if not takes_effort(request.model):
        if not reasoning.is_off:
            reason = "does not think" if is_never_thinking(request.model) else "is not known to take it"
            losses.of(request, "reasoning", f"{request.model} {reason}")
        return {}
    if reasoning.is_off and effort not in {"none", "minimal"}:
        losses.of(request, "reasoning", f"{request.model} cannot stop thinking, only think little")
    return {"reasoning_effort": effort}


def _own_reasoning(reasoning: Reasoning) -> dict[str, Any]:
    """As the client's provider knows it, in the members that have the words."""
    said: dict[str, Any] = {} if reasoning.effort is None else {"reasoning_effort": reasoning.effort}
    if reasoning.is_off and reasoning.effort != "none":
        said["thinking"] = {"type": "disabled"}
    elif reasoning.budget_tokens is not None:
        said["thinking"] = {"type": "enabled", "budget_tokens": reasoning.budget_tokens}
    elif reasoning.is_adaptive:
        said["thinking"] = {"type": "enabled"}
    return said


def _render_format(form: Format) -> dict[str, Any]:
    if form.kind != "schema":
        return {"response_format": {"type": "json_object" if form.kind == "json" else "text"}}
    said: dict[str, Any] = {"name": form.name or "answer", "schema": form.schema or {"type": "object"}}
    if form.description:
        said["description"] = form.description
    if form.is_strict is not None:
        said["strict"] = form.is_strict
    return {"response_format": {"type": "json_schema", "json_schema": said}}


def _render_words(request: Request, losses: Losses, *, is_own: bool) -> dict[str, Any]:
    said: dict[str, Any] = {}
    if request.user:
        said["user"] = request.user
    if request.service_tier:
        if is_own or request.service_tier in _TIERS:
            said["service_tier"] = request.service_tier
        else:
            losses.add("service_tier", f"Chat Completions knows no {request.service_tier!r}")
    if request.verbosity:
        if is_own or is_reasoning(request.model):
            said["verbosity"] = request.verbosity
        else:
            losses.of(request, "verbosity", f"{request.model} does not take it")
    if request.modalities and (is_own or request.modalities != ["text"]):
        if is_own:
            said["modalities"] = request.modalities
        else:
            reason = "Chat Completions answers in text, and in sound only with a voice that is named"
            losses.of(request, "modalities", reason)
    return said


def _add_rest(body: dict[str, Any], request: Request, losses: Losses, *, is_own: bool) -> None:
    if not is_own:
        for name, value in request.rest.items():
            if name in _SHARED and request.dialect == "responses" and is_openai(request.model):
                body[name] = value
            elif name not in _IDLE:
                losses.add(name, "Chat Completions has no such parameter")
        return
    options = request.rest.get("stream_options")
    body |= request.rest
    if request.is_stream and isinstance(options, dict):
        body["stream_options"] = {**options, "include_usage": True}
