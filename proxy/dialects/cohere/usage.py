"""Token counts: https://docs.cohere.com/docs/how-does-cohere-pricing-work (November 2026).

`tokens` counts what the model saw, with Cohere's own preamble; `billed_units`, which is less, is what is paid for.
Usage here is what is paid for, of streams and of whole answers alike; both stay in the raw usage. Cached tokens are
part of `tokens` and have no price of their own: they count only where nothing is billed.
"""

from typing import Any

from proxy.dialects.reading import count_of, member
from proxy.records import Usage


def parse_usage(raw: dict[str, Any]) -> Usage:
    billed = raw.get("billed_units")
    searches = count_of(member(billed, "search_units"))
    if isinstance(billed, dict) and ("input_tokens" in billed or "output_tokens" in billed or "image_tokens" in billed):
        pictures = count_of(billed.get("image_tokens"))  # of embeddings, beside those of text
        return Usage(
            input=count_of(billed.get("input_tokens")) + pictures,
            output=count_of(billed.get("output_tokens")),
            image_input=pictures,
            searches=searches,
        )
    tokens = raw.get("tokens")
    whole_input = count_of(member(tokens, "input_tokens"))
    cached = min(count_of(raw.get("cached_tokens")), whole_input)
    return Usage(
        input=whole_input - cached,
        cache_read=cached,
        output=count_of(member(tokens, "output_tokens")),
        searches=searches,
    )


def render_usage(usage: Usage) -> dict[str, Any]:
    """Other providers bill what they count. What they read from a cache costs less: it stands beside."""
    whole_input = usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
    tokens = {"input_tokens": whole_input, "output_tokens": usage.output}
    if usage.cache_read:
        return {"tokens": tokens, "cached_tokens": usage.cache_read}
    return {"billed_units": tokens, "tokens": tokens}
