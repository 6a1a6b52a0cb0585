"""A provider's own account of a call → canonical usage, whatever the dialect. For commands and tests, not for the path.

| shape | by | dialect |
|---|---|---|
| `promptTokenCount` | `usageMetadata` | gemini |
| `inputTokens` | `usage` | bedrock |
| `billed_units`, `tokens` | `usage`, `meta` | cohere |
| `prompt_tokens` | `usage` | openai |
| `input_tokens` with a total or details | `usage` | responses |
| `input_tokens` | `usage`, `message.usage` | anthropic |
| `total_input_tokens` | `usage` | gemini's interactions |
| `prompt_eval_count` | at the top | ollama's own |
| `seconds`, `pages_processed`, `characters` | `usage`, `usage_info`, at the top | what is not counted in tokens |
| `inputTokenCount`, `inputTextTokenCount`, `generation_token_count` | at the top | models behind Bedrock's invoke |
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from proxy.dialects.anthropic.tap import parse_billed_usage, tier_of
from proxy.dialects.bedrock.usage import parse_usage as parse_bedrock_usage
from proxy.dialects.cohere.usage import parse_usage as parse_cohere_usage
from proxy.dialects.gemini.spelling import members
from proxy.dialects.gemini.usage import count_searches as count_gemini_searches
from proxy.dialects.gemini.usage import parse_usage as parse_gemini_usage
from proxy.dialects.gemini.usage import tier_of as gemini_tier_of
from proxy.dialects.openai.usage import parse_usage as parse_openai_usage
from proxy.dialects.reading import count_of, member, text_of
from proxy.dialects.responses.usage import count_file_searches, count_searches, parse_usage
from proxy.dialects.usage_only import milliseconds_of, parse_counted
from proxy.records import Usage

Raw = dict[str, Any]

_GEMINI = ("promptTokenCount", "prompt_token_count", "totalTokenCount", "candidatesTokenCount")
_INVOKED = ("inputTokenCount", "inputTextTokenCount", "generation_token_count")
_OPENAI = ("prompt_tokens", "completion_tokens")
_ANTHROPIC = ("cache_creation_input_tokens", "cache_read_input_tokens", "cache_creation", "inference_geo", "iterations")
_RESPONSES = ("total_tokens", "input_tokens_details", "input_token_details")
_WITHIN = ("response", "message", "metadata", "delta", "result", "interaction", "x_groq", "body", "payload")
_COUNTED = ("seconds", "pages_processed", "characters", "input_characters")
_NAMES = ("usageMetadata", "usage_metadata", "usage", "usage_info", "meta", "amazon-bedrock-invocationMetrics")


class Account(NamedTuple):
    """What an answer says of itself."""

    usage: Usage
    shape: str
    raw: Raw
    model: str = ""
    service_tier: str = ""


def read_account(text: str) -> Account | None:
    """Of a usage object, of a whole answer, or of a stream as it was sent. None when nothing is accounted for.

    Of a stream's events the last one holds; Anthropic's add members to those before.
    """
    found: Account | None = None
    searches = 0
    for document in _documents(text):
        one = account_of(document)
        if one is None:
            continue
        if found is not None and found.shape == one.shape == "anthropic":
            raw = found.raw | {name: value for name, value in one.raw.items() if value is not None}
            one = Account(parse_billed_usage(raw), "anthropic", raw, one.model, tier_of(raw))
        searches = max(searches, one.usage.searches)
        found = one._replace(model=one.model or (found.model if found else ""))
    if found is not None and found.usage.searches < searches:
        return found._replace(usage=_with_searches(found.usage, searches))
    return found


def account_of(document: Any) -> Account | None:
    """Of one JSON value: a usage object, an answer, an event of a stream."""
    if not isinstance(document, dict):
        return None
    whole, raw = _place(document)
    shape = shape_of(raw)
    if not shape:
        return None
    model = text_of(whole.get("model")) or text_of(whole.get("modelVersion")) or text_of(whole.get("model_version"))
    tier = text_of(whole.get("service_tier"))
    usage = usage_of(raw, shape)
    if shape == "gemini":
        tier = gemini_tier_of(members(raw))
        candidates = whole.get("candidates")
        grounded = [member(one, "groundingMetadata") for one in (candidates if isinstance(candidates, list) else ())]
        usage = _with_searches(usage, sum(count_gemini_searches(one, model) for one in grounded if one))
    elif shape == "anthropic":
        tier = tier_of(raw)
    elif shape == "openai":
        tier = tier or text_of(raw.get("search_context_size"))  # Perplexity's, which its fee depends on
    elif shape == "responses":
        usage = _with_searches(usage, count_searches(whole))
        if file_searches := count_file_searches(whole):
            usage = replace(usage, units={**(usage.units or {}), "file_searches": file_searches})
    elif shape == "counted" and whole.get("document_annotation"):
        usage = replace(usage, units={"annotated_pages": (usage.units or {}).get("pages", 0)})
    return Account(usage, shape, raw, model, tier)


def usage_of(raw: Raw, shape: str = "") -> Usage:
    """Canonical usage of a raw usage object; nothing of one whose shape nobody knows."""
    parse = _PARSERS.get(shape or shape_of(raw))
    return parse(raw) if parse is not None else Usage()


def shape_of(raw: Mapping[str, Any]) -> str:
    """'' for anything that accounts for nothing."""
    if any(name in raw for name in _INVOKED):
        return "invoked"
    if any(name in raw for name in _GEMINI):
        return "gemini"
    if "total_input_tokens" in raw:
        return "interactions"
    if "inputTokens" in raw or "outputTokens" in raw:
        return "bedrock"
    if isinstance(raw.get("billed_units"), dict) or isinstance(raw.get("tokens"), dict):
        return "cohere"
    if any(name in raw for name in _OPENAI):
        return "openai"
    if "input_tokens" in raw or "output_tokens" in raw:
        is_responses = any(name in raw for name in _RESPONSES)
        return "responses" if is_responses and not any(name in raw for name in _ANTHROPIC) else "anthropic"
    if "prompt_eval_count" in raw or "eval_count" in raw:
        return "ollama"
    if any(name in raw for name in _COUNTED) or ("duration" in raw and "text" in raw):
        return "counted"
    return "openai" if "total_tokens" in raw else ""


def _place(document: Raw) -> tuple[Raw, Raw]:
    """The object that is the answer, and in it the usage: which may be the document itself."""
    candidates = [document, *(document[name] for name in _WITHIN if isinstance(document.get(name), dict))]
    for whole in candidates:
        for name in _NAMES:
            if isinstance(whole.get(name), dict) and shape_of(whole[name]):
                return whole, whole[name]
    return document, document


def _documents(text: str) -> Iterator[Any]:
    """One JSON value, a list of them, one a line, or the data of server-sent events."""
    try:
        value = json.loads(text)
    except ValueError:
        for line in text.splitlines():
            try:
                yield json.loads(line.removeprefix("data:"))
            except ValueError:
                continue  # an event's name, a comment, `[DONE]`
        return
    yield from value if isinstance(value, list) else [value]


def _with_searches(usage: Usage, searches: int) -> Usage:
    return replace(usage, searches=searches) if searches > usage.searches else usage


def _openai(raw: Raw) -> Usage:
    if "prompt_tokens" not in raw and "completion_tokens" not in raw:  # Voyage, some embeddings
        return Usage(input=count_of(raw.get("total_tokens")))
    if "cached_prompt_text_tokens" in raw:  # xAI's own library spells it flat, and counts reasoning beside the output
        details = {"prompt_tokens_details": {"cached_tokens": raw["cached_prompt_text_tokens"]}}
        thought = {"completion_tokens_details": {"reasoning_tokens": raw.get("reasoning_tokens")}}
        return parse_openai_usage({**raw, **details, **thought})
    usage = parse_openai_usage(raw)
    heard = milliseconds_of(raw.get("prompt_audio_seconds"))  # Mistral's transcriptions
    return replace(usage, units={"audio_ms": heard}) if heard else usage


def _responses(raw: Raw) -> Usage:
    """Also of pictures made, of transcriptions and of realtime answers, which spell it otherwise and tell the kinds."""
    read = raw.get("input_tokens_details") or raw.get("input_token_details")
    written = raw.get("output_tokens_details") or raw.get("output_token_details")
    usage = parse_usage({**raw, "input_tokens_details": read, "output_tokens_details": written})
    cached = member(read, "cached_tokens_details")
    cached_sound, cached_pictures = count_of(member(cached, "audio_tokens")), count_of(member(cached, "image_tokens"))
    return replace(
        usage,
        units={"image_cache_read": cached_pictures} if cached_pictures else usage.units,
        audio_input=max(0, usage.audio_input - cached_sound),
        audio_cache_read=min(cached_sound, usage.cache_read),
        image_input=max(0, count_of(member(read, "image_tokens")) - cached_pictures),
        image_output=count_of(member(written, "image_tokens")),
    )


def _gemini(raw: Raw) -> Usage:
    """The Live API calls its candidates a response."""
    said = members(raw)
    for live, usual in (
        ("responseTokenCount", "candidatesTokenCount"),
        ("responseTokensDetails", "candidatesTokensDetails"),
    ):
        if live in said:
            said.setdefault(usual, said[live])
    return parse_gemini_usage(said)


def _interactions(raw: Raw) -> Usage:
    """https://ai.google.dev/api/interactions-api (November 2026)"""
    cached = count_of(raw.get("total_cached_tokens"))
    thoughts = count_of(raw.get("total_thought_tokens"))
    prompt = count_of(raw.get("total_input_tokens"))
    return Usage(
        input=max(0, prompt - cached) + count_of(raw.get("total_tool_use_tokens")),
        cache_read=min(cached, prompt),
        output=count_of(raw.get("total_output_tokens")) + thoughts,
        reasoning=thoughts,
    )


def _invoked(raw: Raw) -> Usage:
    """Llama's, Titan's, and what Bedrock itself adds to the last event of a stream."""
    results = raw.get("results")
    written = sum(count_of(member(one, "tokenCount")) for one in (results if isinstance(results, list) else ()))
    read = raw.get("inputTokenCount") or raw.get("inputTextTokenCount") or raw.get("prompt_token_count")
    return Usage(
        input=count_of(read),
        output=written or count_of(raw.get("outputTokenCount") or raw.get("generation_token_count")),
    )


def _ollama(raw: Raw) -> Usage:
    return Usage(input=count_of(raw.get("prompt_eval_count")), output=count_of(raw.get("eval_count")))


_PARSERS: Mapping[str, Callable[[Raw], Usage]] = {
    "anthropic": parse_billed_usage,
    "bedrock": parse_bedrock_usage,
    "counted": parse_counted,
    "cohere": parse_cohere_usage,
    "gemini": _gemini,
    "interactions": _interactions,
    "invoked": _invoked,
    "ollama": _ollama,
    "openai": _openai,
    "responses": _responses,
}
