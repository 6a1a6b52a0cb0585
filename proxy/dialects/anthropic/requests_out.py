"""The hub → a request to Anthropic.

A request that was written in this dialect is put back as its client said it. One of another dialect is made to fit the
model, and what does not fit is told as a loss.
"""

from typing import Any

import orjson

from proxy.canonical.request import Format, Rendered, Request
from proxy.dialects.anthropic.betas import betas_of
from proxy.dialects.anthropic.messages_out import limit_marks, render_messages
from proxy.dialects.anthropic.models import Model, model_of
from proxy.dialects.anthropic.reasoning import Thought, render_own_reasoning, render_reasoning
from proxy.dialects.anthropic.schemas import is_compilable, restrict
from proxy.dialects.anthropic.tools_out import changed_names, render_tool_choice, render_tools
from proxy.dialects.losses import Losses, tell_unsayable

_UNKNOWN = "Anthropic's messages have no such member."
_TIERS = {"auto": "auto", "default": "standard_only", "standard_only": "standard_only"}
_ABSENT = ("seed", "presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "verbosity")
_NESTED = ("thinking.", "output_config.", "metadata.")


def render_request(request: Request) -> Rendered:
    losses = Losses()
    is_own = request.dialect == "anthropic"
    model = model_of(request.model)
    thought = render_own_reasoning(request.reasoning) if is_own else render_reasoning(request, model, losses)
    body: dict[str, Any] = {"model": request.model}
    limit = request.max_tokens if is_own else thought.max_tokens
    body["max_tokens"] = model.default_max_tokens if limit is None else limit
    system, messages = render_messages(request, losses)
    system = _tell_format(system, request, model, losses)
    if system:
        body["system"] = system
    body["messages"] = messages
    _add_tools(body, request, model, losses)
    _add_thought(body, thought, request, model)
    _add_sampling(body, request, model, thought, losses)
    _add_others(body, request, losses)
    if is_own:
        _add_rest(body, request)
    else:
        _tell_lost(request, losses)
    limit_marks(body)
    betas = betas_of(body)
    headers = {"anthropic-beta": ",".join(betas)} if betas else {}
    return Rendered(body, losses.found, headers, changed_names(request))


def _add_tools(body: dict[str, Any], request: Request, model: Model, losses: Losses) -> None:
    tools = render_tools(request, losses)
    if tools:
        body["tools"] = tools
    choice = render_tool_choice(
        request, tools, losses, can_force=request.dialect == "anthropic" or model.can_stop_thinking
    )
    if choice:
        body["tool_choice"] = choice


def _add_thought(body: dict[str, Any], thought: Thought, request: Request, model: Model) -> None:
    if thought.thinking:
        body["thinking"] = thought.thinking
    config: dict[str, Any] = {}
    if thought.effort:
        config["effort"] = thought.effort
    form = request.format
    if form is not None and form.kind == "schema" and (request.dialect == "anthropic" or _is_held(form, model)):
        schema = form.schema or {}
        config["format"] = {
            "type": "json_schema",
            "schema": schema if request.dialect == "anthropic" else restrict(schema)[0],
        }
    if config:
        body["output_config"] = config


def _tell_format(system: Any, request: Request, model: Model, losses: Losses) -> Any:
    """Where the form of the answer cannot be demanded it is asked for in words."""
    form = request.format
    if form is None or form.kind == "text" or request.dialect == "anthropic":
        return system
    if form.kind == "schema" and _is_held(form, model):
        if restrict(form.schema or {})[1]:
            losses.of(request, "format", "Bounds and open objects of the schema are asked for in words only.")
        return system
    losses.of(request, "format", "The form is asked for in words: nothing holds this model to it.")
    words = _ask_for(form)
    if isinstance(system, list):
        return [*system, {"type": "text", "text": words}]
    return f"{system}\n\n{words}" if system else words


def _is_held(form: Format, model: Model) -> bool:
    """The model can be held to the schema."""
    return model.has_formats and is_compilable(form.schema or {})


def _ask_for(form: Format) -> str:
    if form.kind == "json":
        return "Answer with one JSON object and nothing else: no explanation, no code fence."
    schema = orjson.dumps(form.schema or {}).decode()
    return f"Answer with JSON of this schema and nothing else, no explanation, no code fence:\n{schema}"


def _add_sampling(body: dict[str, Any], request: Request, model: Model, thought: Thought, losses: Losses) -> None:
    """Temperature goes up to 1 here, and none of the three goes with thinking or with the newest models."""
    is_own = request.dialect == "anthropic"
    for name in ("temperature", "top_p", "top_k"):
        value = getattr(request, name)
        if value is None:
            continue
        if is_own:
            body[name] = value
        elif not model.has_sampling:
            losses.of(request, name, "This model takes no sampling settings.")
        elif thought.is_on:
            losses.of(request, name, "Anthropic takes no sampling settings where the model thinks.")
        elif name == "temperature" and value > 1:
            losses.of(request, name, "Anthropic's temperature ends at 1.")
            body[name] = 1
        elif name == "top_p" and "temperature" in body and not model.has_both_samplings:
            losses.of(request, name, "This model takes temperature or top_p, not both.")
        else:
            body[name] = value


def _add_others(body: dict[str, Any], request: Request, losses: Losses) -> None:
    is_own = request.dialect == "anthropic"
    stop = [word for word in request.stop if is_own or word.strip()]
    if stop:
        body["stop_sequences"] = stop
    if len(stop) < len(request.stop):
        losses.of(request, "stop", "Anthropic refuses stop sequences of white space only.")
    if request.user:
        body["metadata"] = {"user_id": request.user}
    tier = request.service_tier if is_own else _TIERS.get(request.service_tier)
    if tier:
        body["service_tier"] = tier
    elif request.service_tier:
        losses.of(request, "service_tier", f"Anthropic has no tier {request.service_tier!r}.")
    if request.is_stream:
        body["stream"] = True


def _add_rest(body: dict[str, Any], request: Request) -> None:
    for name, value in request.rest.items():
        for prefix in _NESTED:
            if name.startswith(prefix):
                body.setdefault(prefix[:-1], {})[name.removeprefix(prefix)] = value
                break
        else:
            body[name] = value


def _tell_lost(request: Request, losses: Losses) -> None:
    tell_unsayable(request, losses, _ABSENT, _UNKNOWN, "Anthropic")
    for name in request.rest:
        if name != "web_search_options":
            losses.add(name, _UNKNOWN)
