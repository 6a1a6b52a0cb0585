"""Token counts: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_TokenUsage.html (November 2026)."""

from typing import Any

from proxy.dialects.reading import count_of, member
from proxy.records import Usage


def parse_usage(raw: dict[str, Any]) -> Usage:
    """`inputTokens` is without what was read from or written to the cache."""
    written = count_of(raw.get("cacheWriteInputTokens") or raw.get("cacheWriteInputTokenCount"))
    details = raw.get("cacheDetails")
    for_an_hour = sum(
        count_of(member(one, "inputTokens"))
        for one in (details if isinstance(details, list) else ())
        if member(one, "ttl") == "1h"
    )
    for_an_hour = min(for_an_hour, written)
    return Usage(
        input=count_of(raw.get("inputTokens")),
        cache_read=count_of(raw.get("cacheReadInputTokens") or raw.get("cacheReadInputTokenCount")),
        cache_write_5m=written - for_an_hour,
        cache_write_1h=for_an_hour,
        output=count_of(raw.get("outputTokens")),
    )


def render_usage(usage: Usage) -> dict[str, Any]:
    written = usage.cache_write_5m + usage.cache_write_1h
    rendered: dict[str, Any] = {
        "inputTokens": usage.input,
        "outputTokens": usage.output,
        "totalTokens": usage.input + usage.cache_read + written + usage.output,
    }
    if usage.cache_read or written:
        rendered |= {"cacheReadInputTokens": usage.cache_read, "cacheWriteInputTokens": written}
    if usage.cache_write_1h:
        shares = (("5m", usage.cache_write_5m), ("1h", usage.cache_write_1h))
        rendered["cacheDetails"] = [{"ttl": ttl, "inputTokens": count} for ttl, count in shares if count]
    return rendered
