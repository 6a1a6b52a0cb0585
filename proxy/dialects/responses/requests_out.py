"""`Request` → a request of this API, and what of it could not be said."""

import re
from typing import Any

from proxy.canonical.parts import Text
from proxy.canonical.request import Effort, Message, Reasoning, Rendered, Request
from proxy.dialects.losses import Losses
from proxy.dialects.responses.items_out import ItemsOut
from proxy.dialects.responses.tools_out import render_tool_choice, render_tools

LEAST_TOKENS = 16  # "Expected a value >= 16" for max_output_tokens (api.openai.com, November 2026)

_ENCRYPTED = "reasoning.encrypted_content"
_LOGPROBS = "message.output_text.logprobs"
# https://platform.openai.com/docs/guides/latest-model (November 2026): these think, and take no sampling parameters.
_THINKING_MODEL = re.compile(r"(?:.*/)?(?:o\d|gpt-(?:[5-9]|\d\d)|codex)(?!.*chat)")
_ENCRYPTS = re.compile(r"(?:.*/)?grok-(?:[4-9]|\d\d)")  # https://docs.x.ai/docs/guides/reasoning (November 2026)
_KNOWS_NONE = re.compile(r"(?:.*/)?gpt-(?:5\.[1-9]|[6-9]|\d\d)")
_BUDGETS: tuple[tuple[int, Effort], ...] = ((1024, "minimal"), (2048, "low"), (8192, "medium"), (16384, "high"))
_MISSING = ("stop", "seed", "count", "presence_penalty", "frequency_penalty", "top_k")
_NEUTRAL = {"count": 1, "presence_penalty": 0, "frequency_penalty": 0}  # says no more than nothing
# Members that chat completions name and mean alike.
_SHARED = {
    "metadata", "store", "prompt_cache_key", "prompt_cache_retention", "prompt_cache_options", "safety_identifier",
    "moderation",
}  # fmt: skip
_TIERS = {"auto", "default", "flex", "priority", "scale"}


def thinks(model: str) -> bool:
    """Is it a reasoning model of OpenAI's?"""
    return _THINKING_MODEL.match(model) is not None


def render_request(request: Request) -> Rendered:
    """Without `stream_options.include_usage`: a stream of this API always says its usage, and refuses the member."""
    losses = Losses()
    instructions, messages = _take_instructions(request)
    body: dict[str, Any] = {"model": request.model, "input": ItemsOut(request, losses).render(messages)}
    body.update(
        instructions=instructions,
        tools=render_tools(request, losses) or None,
        tool_choice=render_tool_choice(request, losses),
        parallel_tool_calls=request.is_parallel,
        stream=request.is_stream or None,
        max_output_tokens=_render_max_tokens(request, losses),
        reasoning=_render_reasoning(request, losses),
        text=render_text(request),
        top_logprobs=request.top_logprobs,
        user=request.user or None,
        service_tier=_render_tier(request, losses),
        **_render_sampling(request, losses),
    )
    _add_rest(request, body, losses)
    _add_include(request, body)
    return Rendered({name: value for name, value in body.items() if value is not None}, losses.found)


def _take_instructions(request: Request) -> tuple[str | None, list[Message]]:
    """A first system message of plain text; all others keep their places among the items, as one does that is all."""
    is_all = len(request.messages) == 1 and request.dialect != "responses"
    first = request.messages[0] if request.messages and not is_all else None
    if first is None or first.role != "system" or first.extra or len(first.parts) != 1:
        return None, request.messages
    text = first.parts[0]
    if not isinstance(text, Text) or not text.text or (text.cache and request.dialect == "responses"):
        return None, request.messages
    return text.text, request.messages[1:]


def _render_max_tokens(request: Request, losses: Losses) -> int | None:
    if request.max_tokens is None or request.dialect == "responses" or request.max_tokens >= LEAST_TOKENS:
        return request.max_tokens
    losses.of(request, "max_tokens", f"The least that can be asked for is {LEAST_TOKENS}.")
    return LEAST_TOKENS


def _render_sampling(request: Request, losses: Losses) -> dict[str, Any]:
    said = tuple(name for name in _MISSING if getattr(request, name) != _NEUTRAL.get(name))
    _note(request, said, "This API has no such parameter.", losses)
    if [one for one in request.modalities if one != "text"]:
        losses.of(request, "modalities", "This API answers text; images come from a tool.")
    if request.dialect != "responses" and thinks(request.model):
        _note(request, ("temperature", "top_p"), f"{request.model} takes no sampling parameters.", losses)
        return {}
    return {"temperature": request.temperature, "top_p": request.top_p}


def _note(request: Request, members: tuple[str, ...], reason: str, losses: Losses) -> None:
    """Those of these members of the request that are set."""
    for member in members:
        value: Any = getattr(request, member)
        if value is not None and value != [] and value != "":
            losses.of(request, member, reason)


def _render_reasoning(request: Request, losses: Losses) -> dict[str, Any] | None:
    said = request.reasoning
    rendered: dict[str, Any] = {}
    if said is not None:
        effort = _effort(said, request, losses)
        summary = said.summary if said.summary is not None else ("auto" if said.includes_thoughts else None)
        rendered = {name: value for name, value in (("effort", effort), ("summary", summary)) if value}
    if request.dialect == "responses":
        rendered = {**rendered, **request.rest.get("reasoning", {})}
    return rendered or None


def _effort(said: Reasoning, request: Request, losses: Losses) -> Effort | None:
    if request.dialect == "responses":
        return said.effort
    if said.is_off:
        return _least_effort(request, losses)
    if said.effort is not None:
        return "xhigh" if said.effort == "max" else said.effort
    if said.budget_tokens is not None:
        return min(_BUDGETS, key=lambda one: abs(one[0] - (said.budget_tokens or 0)))[1]
    return None


def _least_effort(request: Request, losses: Losses) -> Effort | None:
    """What comes nearest to not thinking; a model that never thinks is told nothing."""
    model = request.model
    if not thinks(model):
        return None
    if _KNOWS_NONE.match(model):
        return "none"
    losses.of(request, "reasoning", f"{model} always thinks; it is asked to think little.")
    return "minimal" if "gpt-5" in model and "codex" not in model else "low"


def render_text(request: Request) -> dict[str, Any] | None:
    """`text`: the form of the answer and how wordy it is."""
    rendered: dict[str, Any] = {}
    form = request.format
    if form is not None and form.kind == "schema":
        rendered["format"] = {"type": "json_schema", "name": form.name or "answer", "schema": form.schema or {}}
        if form.description:
            rendered["format"]["description"] = form.description
        if form.is_strict is not None:
            rendered["format"]["strict"] = form.is_strict
    elif form is not None:
        rendered["format"] = {"type": "json_object" if form.kind == "json" else "text"}
    if request.verbosity:
        rendered["verbosity"] = request.verbosity
    if request.dialect == "responses":
        rendered.update(request.rest.get("text", {}))
    return rendered or None


def _render_tier(request: Request, losses: Losses) -> str | None:
    if not request.service_tier or request.dialect == "responses" or request.service_tier in _TIERS:
        return request.service_tier or None
    losses.add("service_tier", f"{request.service_tier!r} is a tier of {request.dialect}.")
    return None


def _add_rest(request: Request, body: dict[str, Any], losses: Losses) -> None:
    """A request that came in another dialect is not kept by the provider: whoever sent it never asked for that."""
    if request.dialect == "responses":
        body.update({name: value for name, value in request.rest.items() if name not in {"reasoning", "text"}})
        body["include"] = [*request.rest.get("include", ()), *request.hints.get("include", ())] or None
        body["store"] = request.hints.get("store")
        return
    body["store"] = False
    for name, value in request.rest.items():
        if request.dialect == "openai" and name in _SHARED:
            body[name] = value
        elif request.dialect == "openai" and name == "web_search_options":
            body["tools"] = [*(body.get("tools") or ()), _web_search_of_chat(value)]
        elif name != "stream_options":
            losses.add(name, "This API has no such member.")


def _web_search_of_chat(options: Any) -> dict[str, Any]:
    given = options if isinstance(options, dict) else {}
    tool: dict[str, Any] = {"type": "web_search"}
    if given.get("search_context_size"):
        tool["search_context_size"] = given["search_context_size"]
    location = given.get("user_location")
    if isinstance(location, dict):
        tool["user_location"] = {"type": "approximate", **(location.get("approximate") or {})}
    return tool


def _add_include(request: Request, body: dict[str, Any]) -> None:
    """What is not stored has to be handed back encrypted; models that do not think refuse to be asked for it."""
    include = list(body.get("include") or ())
    if request.logprobs and _LOGPROBS not in include:
        include.append(_LOGPROBS)
    is_foreign = request.dialect != "responses" and body.get("store") is False
    if is_foreign and (thinks(request.model) or _ENCRYPTS.match(request.model)) and _ENCRYPTED not in include:
        include.append(_ENCRYPTED)
    if include:
        body["include"] = include
