"""The hub → a Converse request.

A request that was written in this dialect is put back as its client said it. One of another dialect is made to fit, and
what does not fit is told as a loss. Without a limit of its own Converse takes the model's: none is made up here.
"""

from typing import Any

import orjson

from proxy.canonical.request import Rendered, Request
from proxy.dialects.anthropic.models import model_of
from proxy.dialects.anthropic.schemas import restrict
from proxy.dialects.bedrock.families import family_of, is_claude
from proxy.dialects.bedrock.messages_out import render_messages
from proxy.dialects.bedrock.model_fields import Extras, render_model_fields
from proxy.dialects.bedrock.tools_out import changed_names, render_tools
from proxy.dialects.losses import Losses, tell_unsayable
from proxy.dialects.wording import ask_for_form

_UNKNOWN = "Converse has no such parameter."
_ABSENT = ("presence_penalty", "frequency_penalty", "logprobs", "top_logprobs", "user", "verbosity", "seed")
_TIERS = {"default", "flex", "priority", "reserved"}


def render_request(request: Request) -> Rendered:
    losses = Losses()
    extras = render_model_fields(request, losses)
    system, messages = render_messages(request, losses)
    body: dict[str, Any] = {"messages": messages}
    if system:
        body["system"] = system
    if inference := _render_inference(request, extras, losses):
        body["inferenceConfig"] = inference
    if (tools := render_tools(request, losses)) is not None:
        body["toolConfig"] = tools
    if extras.fields:
        body["additionalModelRequestFields"] = extras.fields
    _add_format(body, request, losses)
    _add_tier(body, request, losses)
    if request.dialect == "bedrock":
        _put_back(body, request.rest)
    else:
        _tell_lost(request, losses)
    return Rendered(body, losses.found, tool_names=changed_names(request))


def _render_inference(request: Request, extras: Extras, losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if extras.max_tokens is not None:
        config["maxTokens"] = extras.max_tokens
    _add_sampling(config, request, extras, losses)
    stop = [word for word in request.stop if request.dialect == "bedrock" or word.strip()]
    if stop:
        config["stopSequences"] = stop
    if len(stop) < len(request.stop):
        losses.of(request, "stop", "Bedrock refuses stop sequences of white space only.")
    return config


def _add_sampling(config: dict[str, Any], request: Request, extras: Extras, losses: Losses) -> None:
    """Bedrock's temperature ends at 1; the newest of Claude take none, and those before them one of both."""
    is_own = request.dialect == "bedrock"
    model = model_of(request.model) if family_of(request.model) == "claude" and not is_own else None
    for name, word in (("temperature", "temperature"), ("top_p", "topP")):
        value = getattr(request, name)
        if value is None:
            continue
        if not is_own and extras.bans_sampling:
            losses.of(request, name, extras.bans_sampling)
        elif model is not None and not model.has_sampling:
            losses.of(request, name, "This model takes no sampling settings.")
        elif (
            model is not None
            and name == "top_p"
            and config.get("temperature") is not None
            and (not model.has_both_samplings)
        ):
            losses.of(request, name, "This model takes temperature or top_p, not both.")
        elif not is_own and value > 1:
            losses.of(request, name, f"Bedrock's {word} ends at 1.")
            config[word] = 1.0
        else:
            config[word] = value


def _add_format(body: dict[str, Any], request: Request, losses: Losses) -> None:
    """Where the form cannot be demanded it is asked for in words."""
    form = request.format
    if form is None or form.kind == "text":
        return
    is_own = request.dialect == "bedrock"
    if form.kind == "json" or (not is_own and not _has_formats(request.model)):
        losses.of(request, "format", "The form is asked for in words: nothing holds this model to it.")
        body.setdefault("system", []).append({"text": ask_for_form(form.schema)})
        return
    schema = form.schema or {}
    if not is_own and is_claude(request.model):
        schema, is_less = restrict(schema)
        if is_less:
            losses.of(request, "format", "Bounds and open objects of the schema are asked for in words only.")
    definition = {"schema": orjson.dumps(schema).decode()}
    if form.name:
        definition["name"] = form.name
    if form.description:
        definition["description"] = form.description
    body["outputConfig"] = {"textFormat": {"type": "json_schema", "structure": {"jsonSchema": definition}}}


def _has_formats(model: str) -> bool:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/structured-output.html (November 2026)."""
    family = family_of(model)
    if family == "claude":
        return model_of(model).has_formats
    return family not in {"nova", "llama"} and "titan" not in model


def _add_tier(body: dict[str, Any], request: Request, losses: Losses) -> None:
    tier = request.service_tier
    if tier in _TIERS or (tier and request.dialect == "bedrock"):
        body["serviceTier"] = {"type": tier}
    elif tier and tier != "auto":
        losses.of(request, "service_tier", f"Bedrock has no tier {tier!r}.")


def _put_back(body: dict[str, Any], rest: dict[str, Any]) -> None:
    for name, value in rest.items():
        if isinstance(value, dict) and isinstance(body.get(name), dict):
            body[name] = {**body[name], **_joined(body[name], value)}
        else:
            body[name] = value


def _joined(known: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    """One level deeper too: `additionalModelRequestFields.output_config` is of both."""
    return {
        name: {**one, **known[name]} if isinstance(one, dict) and isinstance(known.get(name), dict) else one
        for name, one in value.items()
    }


def _tell_lost(request: Request, losses: Losses) -> None:
    tell_unsayable(request, losses, _ABSENT, _UNKNOWN, "Bedrock")
    if request.is_parallel is False:
        losses.of(request, "is_parallel", "Bedrock has no word against calls side by side.")
    for name in request.rest:
        losses.add(name, _UNKNOWN)
