"""The hub → a request to Cohere's chat.

A request that was written in this dialect is put back as its client said it. One of another dialect is made to fit, and
what does not fit is told as a loss.
"""

from typing import Any

from proxy.canonical.request import NativeTool, Reasoning, Rendered, Request, Tool
from proxy.dialects.cohere.content_out import render_messages
from proxy.dialects.functions import FREE_TEXT, NO_ARGUMENTS, tell_custom
from proxy.dialects.losses import Losses, native_kind, tell_unsayable
from proxy.dialects.wording import ask_for_form

_UNKNOWN = "Cohere's chat has no such parameter."
_ABSENT = ("top_logprobs", "user", "verbosity")
# https://docs.cohere.com/reference/chat: what these may be; the sampling that others allow is cut to it.
_BOUNDS: dict[str, tuple[str, float, float]] = {
    "temperature": ("temperature", 0, 1),
    "top_p": ("p", 0.01, 0.99),
    "top_k": ("k", 0, 500),
    "presence_penalty": ("presence_penalty", 0, 1),
    "frequency_penalty": ("frequency_penalty", 0, 1),
}
MOST_STOPS = 5
_BUDGETS = {"minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 65_536}


def render_request(request: Request) -> Rendered:
    losses = Losses()
    is_own = request.dialect == "cohere"
    messages, documents = render_messages(request, losses)
    body: dict[str, Any] = {"model": request.model, "messages": messages}
    if documents:
        body["documents"] = documents
    _add_tools(body, request, losses)
    _add_format(body, request, losses)
    _add_sampling(body, request, losses)
    _add_others(body, request, losses)
    if (thinking := _render_thinking(request, losses)) is not None:
        body["thinking"] = thinking
    if is_own:
        body |= request.rest
    else:
        _tell_lost(request, losses)
    if request.is_stream:
        body["stream"] = True
    return Rendered(body, losses.found)


def _add_tools(body: dict[str, Any], request: Request, losses: Losses) -> None:
    choice = request.tool_choice
    names = choice.names if choice is not None and choice.mode != "none" else []
    tools = [
        rendered
        for tool in request.tools
        if not (names and isinstance(tool, Tool) and tool.name not in names)
        and (rendered := _render_tool(tool, request, losses)) is not None
    ]
    if not tools:
        return
    body["tools"] = tools
    strict = [tool.is_strict for tool in request.tools if isinstance(tool, Tool) and tool.is_strict is not None]
    if strict and request.dialect == "cohere":
        body["strict_tools"] = strict[0]
    elif any(strict):
        losses.add("tools.strict", "Cohere is strict with all tools or none, and refuses most schemas then.")
    if choice is not None and choice.native:
        losses.add("tool_choice", "Cohere does not run the tool that was chosen.")
    elif choice is not None and choice.mode != "auto":
        body["tool_choice"] = "NONE" if choice.mode == "none" else "REQUIRED"


def _render_tool(tool: Tool | NativeTool, request: Request, losses: Losses) -> dict[str, Any] | None:
    if isinstance(tool, NativeTool):
        if tool.dialect == "cohere":
            return tool.raw
        losses.add(native_kind(tool.raw), "Cohere does not run this tool.")
        return None
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = FREE_TEXT if tool.kind == "custom" else tool.schema or NO_ARGUMENTS
    if request.dialect == "cohere":
        function |= tool.extra
    else:
        for name in tool.extra:
            losses.add(f"tools.{name}", "Cohere's tools have no such member.")
        tell_custom(tool, losses)
    return {"type": "function", "function": function}


def _add_format(body: dict[str, Any], request: Request, losses: Losses) -> None:
    """Beside tools and documents Cohere refuses to be held to a form."""
    form = request.format
    if form is None:
        return
    if form.kind == "text":
        if request.dialect == "cohere":
            body["response_format"] = {"type": "text"}
        return
    if request.dialect != "cohere" and ("tools" in body or "documents" in body):
        losses.of(request, "format", "Beside tools and documents Cohere can be asked for a form in words only.")
        body["messages"].insert(0, {"role": "system", "content": ask_for_form(form.schema)})
        return
    body["response_format"] = {"type": "json_object"}
    if form.schema is not None:
        body["response_format"]["json_schema"] = form.schema


def _add_sampling(body: dict[str, Any], request: Request, losses: Losses) -> None:
    for name, (word, least, most) in _BOUNDS.items():
        value = getattr(request, name)
        if value is None:
            continue
        fitted = value if request.dialect == "cohere" else min(max(value, least), most)
        if fitted != value:
            losses.of(request, name, f"Cohere's {word} goes from {least} to {most}.")
        body[word] = fitted


def _add_others(body: dict[str, Any], request: Request, losses: Losses) -> None:
    if request.max_tokens is not None:
        body["max_tokens"] = request.max_tokens
    if request.seed is not None:
        body["seed"] = request.seed
    if request.logprobs is not None:
        body["logprobs"] = request.logprobs
    if request.stop:
        body["stop_sequences"] = request.stop if request.dialect == "cohere" else request.stop[:MOST_STOPS]
        if len(body["stop_sequences"]) < len(request.stop):
            losses.of(request, "stop", f"Cohere takes {MOST_STOPS} stop sequences at most.")


def _render_thinking(request: Request, losses: Losses) -> dict[str, Any] | None:
    """One line of models thinks, unasked; all others refuse it: docs.cohere.com/docs/reasoning (November 2026)."""
    reasoning = request.reasoning
    if reasoning is None:
        return None
    is_off = reasoning.is_off or reasoning.effort == "none" or reasoning.budget_tokens == 0
    if request.dialect != "cohere" and "reasoning" not in request.model:
        if not is_off:
            losses.of(request, "reasoning", "This model does not think before it answers.")
        return None
    if is_off:
        return {"type": "disabled"}
    budget = _budget(reasoning)
    return {"type": "enabled", "token_budget": budget} if budget else {"type": "enabled"}


def _budget(reasoning: Reasoning) -> int | None:
    if reasoning.budget_tokens is not None:
        return reasoning.budget_tokens if reasoning.budget_tokens > 0 else None
    return _BUDGETS.get(reasoning.effort or "")


def _tell_lost(request: Request, losses: Losses) -> None:
    tell_unsayable(request, losses, _ABSENT, _UNKNOWN, "Cohere")
    if request.service_tier not in {"", "auto", "default"}:
        losses.of(request, "service_tier", "Cohere has no tiers.")
    if request.is_parallel is False:
        losses.of(request, "is_parallel", "Cohere has no word against calls side by side.")
    for name in request.rest:
        losses.add(name, _UNKNOWN)
