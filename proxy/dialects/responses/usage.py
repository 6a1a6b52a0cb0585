"""Token counts: `input_tokens` includes what was read from and written to the cache, `output_tokens` the reasoning."""

from typing import Any

from proxy.dialects.billed import billed_usd, to_nano_usd
from proxy.dialects.reading import count_of, member
from proxy.records import Usage


def parse_usage(usage: dict[str, Any], searches: int = 0, file_searches: int = 0) -> Usage:
    """Usage with the cached part taken out of the input. Searches stand outside of the counts, but for Perplexity's."""
    read_details, written_details = usage.get("input_tokens_details"), usage.get("output_tokens_details")
    whole = count_of(usage.get("input_tokens"))
    output = count_of(usage.get("output_tokens"))
    reasoning = count_of(member(written_details, "reasoning_tokens"))
    if reasoning and count_of(usage.get("total_tokens")) == whole + output + reasoning:
        output += reasoning  # counted beside the output, where all others count it inside
    read = min(count_of(member(read_details, "cached_tokens")), whole)
    written = min(count_of(member(read_details, "cache_write_tokens")), whole - read)
    return Usage(
        input=whole - read - written,
        cache_read=read,
        cache_write_5m=written,
        output=output,
        reasoning=reasoning,
        audio_input=count_of(member(read_details, "audio_tokens")),
        audio_output=count_of(member(written_details, "audio_tokens")),
        searches=searches or _searched(usage.get("tool_calls_details")),
        units={"file_searches": file_searches} if file_searches else None,
        billed_nano_usd=to_nano_usd(
            billed_usd(
                usage.get("cost"), usage.get("cost_in_usd_ticks"), usage.get("cost_details"), usage.get("is_byok")
            )
        ),
    )


def parse_usage_of(response: dict[str, Any]) -> Usage:
    """With what is paid for beside tokens, which the counts leave out."""
    return parse_usage(response["usage"], count_searches(response), count_file_searches(response))


def count_searches(response: dict[str, Any]) -> int:
    """Searches that are paid apart: as the answer counts them, else those among its items."""
    said = member(member(response.get("tool_usage"), "web_search"), "num_requests")
    if isinstance(said, int):
        return count_of(said)
    output = response.get("output")
    return sum(map(_is_search, output)) if isinstance(output, list) else 0


def count_file_searches(response: dict[str, Any]) -> int:
    """https://developers.openai.com/api/docs/pricing (November 2026): each call of the tool, whatever it asks."""
    output = response.get("output")
    items = output if isinstance(output, list) else []
    return sum(member(item, "type") == "file_search_call" for item in items)


def _searched(calls: object) -> int:
    """https://docs.perplexity.ai/docs/agent-api/tools/web-search (November 2026)"""
    return count_of(member(member(calls, "search_web"), "invocation")) if calls else 0


def _is_search(item: object) -> bool:
    """Opening a found page and looking around in it are free."""
    is_call = member(item, "type") == "web_search_call"
    return is_call and (member(member(item, "action"), "type") or "search") == "search"


def render_usage(usage: Usage) -> dict[str, Any]:
    written = usage.cache_write_5m + usage.cache_write_1h
    whole = usage.input + usage.cache_read + written
    return {
        "input_tokens": whole,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": written},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning},
        "total_tokens": whole + usage.output,
    }
