"""Token counts towards Anthropic's clients. `tap.parse_anthropic_usage` reads them."""

from typing import Any

from proxy.dialects.anthropic.tap import parse_anthropic_usage
from proxy.records import Usage

__all__ = ["parse_anthropic_usage", "render_usage"]


def render_usage(usage: Usage | None, raw: dict[str, Any]) -> dict[str, Any]:
    """What Anthropic itself counted goes on as it is; all else is put in its words."""
    if is_anthropic(raw):
        return raw
    usage = usage or Usage()
    written = usage.cache_write_5m + usage.cache_write_1h
    rendered: dict[str, Any] = {
        "input_tokens": usage.input,
        "cache_creation_input_tokens": written,
        "cache_read_input_tokens": usage.cache_read,
        "output_tokens": usage.output,
    }
    if written:
        rendered["cache_creation"] = {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        }
    if usage.reasoning:
        rendered["output_tokens_details"] = {"thinking_tokens": usage.reasoning}
    if usage.searches:
        rendered["server_tool_use"] = {"web_search_requests": usage.searches, "web_fetch_requests": 0}
    return rendered


def is_anthropic(raw: dict[str, Any]) -> bool:
    """The Responses API says `input_tokens` too, and means the cached ones with it; it always adds them all up."""
    return "input_tokens" in raw and "total_tokens" not in raw
