"""`generationConfig`, both ways. https://ai.google.dev/api/generate-content#generationconfig (November 2026).

What no member of the canonical request stands for is kept in `Request.rest` under its dotted name, so that a loss
names exactly what was lost: 'generationConfig.speechConfig'.
"""

from typing import Any

from proxy.canonical.request import Format, Request
from proxy.dialects.gemini.models import mixes_tools, speaks_in
from proxy.dialects.gemini.reasoning import parse_thinking, render_thinking
from proxy.dialects.gemini.schemas import from_openapi
from proxy.dialects.gemini.spelling import listed, members
from proxy.dialects.gemini.tools import render_schema
from proxy.dialects.losses import Losses, word_of
from proxy.dialects.members import MOST_WRITTEN
from proxy.dialects.reading import text_of
from proxy.errors import InvalidRequest

PREFIX = "generationConfig."
MOST_STOPS = 5

_SAME = {
    "maxOutputTokens": "max_tokens",
    "temperature": "temperature",
    "topP": "top_p",
    "topK": "top_k",
    "seed": "seed",
    "candidateCount": "count",
    "presencePenalty": "presence_penalty",
    "frequencyPenalty": "frequency_penalty",
    "responseLogprobs": "logprobs",
    "logprobs": "top_logprobs",
}
_WHOLE = {"maxOutputTokens", "topK", "seed", "candidateCount", "logprobs"}


def parse_generation(config: object, request: Request) -> None:
    """Fills the request's members; the rest goes to its `rest`."""
    said = dict(members(config))
    for name, member in _SAME.items():
        if (value := said.pop(name, None)) is not None:
            setattr(request, member, _number(name, value))
    request.stop = [str(one) for one in listed(said.pop("stopSequences", None), PREFIX + "stopSequences")]
    modalities = listed(said.pop("responseModalities", None), PREFIX + "responseModalities")
    request.modalities = [str(one).lower() for one in modalities]
    request.reasoning, thinking_rest = parse_thinking(said.pop("thinkingConfig", None))
    request.format = _parse_format(said)
    request.rest.update({PREFIX + name: value for name, value in {**said, **thinking_rest}.items()})


def _number(name: str, value: Any) -> Any:
    """Proto JSON writes numbers as text, too, and whole ones with a point."""
    if type(value) is int or (name == "responseLogprobs" and isinstance(value, bool)):
        return value
    try:
        number = float("" if isinstance(value, bool) else value)
        return int(number if abs(number) < MOST_WRITTEN else "") if name in _WHOLE else number
    except (TypeError, ValueError, OverflowError) as cause:
        raise InvalidRequest(f"{PREFIX + name!r} is {value!r}; send a number.") from cause


def _parse_format(said: dict[str, Any]) -> Format | None:
    """A schema of any spelling; an enumeration's media type stays where it was, since it is no JSON."""
    media_type = text_of(said.pop("responseMimeType", ""))
    schema = said.pop("responseJsonSchema", None)
    subset = said.pop("responseSchema", None)
    if media_type not in {"", "application/json", "text/plain"}:
        said["responseMimeType"] = media_type
    if isinstance(schema, dict) and schema:
        return Format("schema", schema)
    if isinstance(subset, dict) and subset:
        return Format("schema", from_openapi(subset))
    if media_type == "application/json":
        return Format("json")
    return Format("text") if media_type == "text/plain" else None


def render_generation(request: Request, losses: Losses) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for name, member in _SAME.items():
        if (value := getattr(request, member)) is not None:
            config[name] = value
    if not request.logprobs:
        config.pop("logprobs", None)  # refused without responseLogprobs
    if request.stop:
        config["stopSequences"] = request.stop[:MOST_STOPS]
        if len(request.stop) > MOST_STOPS:
            losses.of(request, "stop", f"Gemini takes {MOST_STOPS} stop sequences; the others were left out.")
    if modalities := _render_modalities(request, losses):
        config["responseModalities"] = modalities
    config.update(_render_format(request, losses))
    if thinking := render_thinking(request, losses):
        config["thinkingConfig"] = thinking
    return config


def _render_modalities(request: Request, losses: Losses) -> list[str]:
    if request.dialect == "gemini":
        return [one.upper() for one in request.modalities]
    spoken = [one for one in request.modalities if speaks_in(request.model, one)]
    for one in request.modalities:
        if one not in spoken:
            losses.add("modalities", f"This model does not answer in {one!r}.")
    return [] if spoken == ["text"] else [one.upper() for one in spoken]


def _render_format(request: Request, losses: Losses) -> dict[str, Any]:
    form = request.format
    if form is None:
        return {}
    is_own = request.dialect == "gemini"
    if form.kind != "text" and request.tools and not is_own and not mixes_tools(request.model):
        losses.of(request, "format", "This model takes either tools or a form for its answer, not both.")
        return {}
    if form.kind == "text":
        return {"responseMimeType": "text/plain"} if is_own else {}
    config: dict[str, Any] = {"responseMimeType": "application/json"}
    if form.kind == "schema" and form.schema:
        spellings = ("responseSchema", "responseJsonSchema")
        config.update(render_schema(form.schema, request, losses, spellings, word_of(request, "format")))
    return config
