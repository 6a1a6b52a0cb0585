"""`usage` ↔ canonical usage. `prompt_tokens` includes what was cached, `completion_tokens` what was only thought."""

from collections.abc import Mapping
from typing import Any

import msgspec

from proxy.dialects.openai.chunks import TokenCounts, parse_openai_usage
from proxy.records import Usage


def parse_usage(said: Mapping[str, Any]) -> Usage:
    """Read as the passed-through stream is: one truth for both. What has no sense counts nothing."""
    try:
        counts = msgspec.convert(said, TokenCounts)
    except msgspec.ValidationError:
        plain = {name: said.get(name) for name in ("prompt_tokens", "completion_tokens", "total_tokens")}
        counts = msgspec.convert(plain, TokenCounts)
    return parse_openai_usage(counts)


def render_usage(usage: Usage, raw: Mapping[str, Any]) -> dict[str, Any]:
    """As the provider wrote it when it wrote in this dialect, else from the counts."""
    if type(raw.get("prompt_tokens")) is int and type(raw.get("completion_tokens")) is int:
        return dict(raw)
    written = usage.cache_write_5m + usage.cache_write_1h
    prompt = usage.input + usage.cache_read + written
    prompt_details = {"cached_tokens": usage.cache_read, "audio_tokens": usage.audio_input}
    prompt_details |= _said(cache_write_tokens=written, image_tokens=usage.image_input)
    completion_details = {"reasoning_tokens": usage.reasoning, "audio_tokens": usage.audio_output}
    said: dict[str, Any] = {
        "prompt_tokens": prompt,
        "completion_tokens": usage.output,
        "total_tokens": prompt + usage.output,
        "prompt_tokens_details": prompt_details,
        "completion_tokens_details": completion_details | _said(image_tokens=usage.image_output),
    }
    if usage.searches:
        said["server_tool_use_details"] = {"web_search_requests": usage.searches}  # OpenRouter's name for it
    return said


def _said(**counts: int) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def find_usage(answer: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Where it stands: at the top, or in Groq's own member of a stream's last chunk."""
    for place in (answer, answer.get("x_groq")):
        usage = place.get("usage") if isinstance(place, Mapping) else None
        if isinstance(usage, Mapping) and usage:
            return usage
    return None
