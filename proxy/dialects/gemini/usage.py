"""`usageMetadata` ↔ canonical usage. https://ai.google.dev/api/generate-content#UsageMetadata (November 2026).

The prompt's count includes what was cached; what the provider's own tools read back comes on top of it. The output is
candidates plus thoughts, which are counted apart. All four together are the total.
"""

from typing import Any

from proxy.dialects.gemini.models import generation
from proxy.dialects.gemini.spelling import members
from proxy.dialects.reading import count_of
from proxy.records import Usage

_NUMBERED = ("", "TEXT", "IMAGE", "VIDEO", "AUDIO", "DOCUMENT")


def has_counts(usage: dict[str, Any]) -> bool:
    """Vertex reports only the kind of traffic until the last chunk."""
    return "totalTokenCount" in usage or "promptTokenCount" in usage


def parse_usage(said: dict[str, Any], searches: int = 0) -> Usage:
    prompt, cached = count_of(said.get("promptTokenCount")), count_of(said.get("cachedContentTokenCount"))
    tools, thoughts = count_of(said.get("toolUsePromptTokenCount")), count_of(said.get("thoughtsTokenCount"))
    candidates = count_of(said.get("candidatesTokenCount"))
    if "candidatesTokenCount" not in said:  # left out now and then, though something was said
        candidates = max(0, count_of(said.get("totalTokenCount")) - prompt - tools - thoughts)
    cached = min(cached, prompt)
    fresh = prompt - cached + tools
    read_in, read_back = _by_kind(said.get("promptTokensDetails")), _by_kind(said.get("toolUsePromptTokensDetails"))
    from_cache, written = _by_kind(said.get("cacheTokensDetails")), _by_kind(said.get("candidatesTokensDetails"))

    def entered(kind: str) -> int:
        return min(fresh, max(0, read_in.get(kind, 0) - from_cache.get(kind, 0)) + read_back.get(kind, 0))

    video = None
    if "VIDEO" in read_in or "VIDEO" in written:
        counts = {"video_input": entered("VIDEO"), "video_output": written.get("VIDEO", 0)}
        video = {name: count for name, count in counts.items() if count} or None
    return Usage(
        input=fresh,
        cache_read=cached,
        output=candidates + thoughts,
        reasoning=thoughts,
        audio_input=entered("AUDIO"),
        image_input=entered("IMAGE"),
        audio_output=written.get("AUDIO", 0),
        image_output=written.get("IMAGE", 0),
        audio_cache_read=min(cached, from_cache.get("AUDIO", 0)),
        searches=searches,
        units=video,
    )


def tier_of(said: dict[str, Any]) -> str:
    """What the price depends on. Vertex says it as the kind of traffic: `ON_DEMAND_FLEX`."""
    tier = said.get("serviceTier") or said.get("trafficType")
    return tier.lower().removeprefix("on_demand").lstrip("_") if isinstance(tier, str) else ""


def _by_kind(details: object) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in details if isinstance(details, list) else ():
        said = members(one)
        kind = said.get("modality")
        if isinstance(kind, int) and 0 <= kind < len(_NUMBERED):
            kind = _NUMBERED[kind]
        counts[str(kind)] = counts.get(str(kind), 0) + count_of(said.get("tokenCount"))
    return counts


def count_searches(grounding: object, model: str) -> int:
    """How many searches are billed: each query from Gemini 3 on, each grounded prompt before.

    https://ai.google.dev/gemini-api/docs/pricing (November 2026)
    """
    queries = members(grounding).get("webSearchQueries")
    asked = sum(1 for query in queries if query) if isinstance(queries, list) else 0
    return asked if generation(model) >= (3, 0) else min(asked, 1)


def render_usage(usage: Usage, raw: dict[str, Any]) -> dict[str, Any]:
    """As Google wrote it, where it did; else from the counts."""
    if has_counts(raw):
        return raw
    prompt = usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
    said: dict[str, Any] = {"promptTokenCount": prompt, "candidatesTokenCount": max(0, usage.output - usage.reasoning)}
    if usage.cache_read:
        said["cachedContentTokenCount"] = usage.cache_read
    if usage.reasoning:
        said["thoughtsTokenCount"] = usage.reasoning
    said["totalTokenCount"] = prompt + max(usage.output, usage.reasoning)
    entered = _details(prompt, AUDIO=usage.audio_input, IMAGE=usage.image_input)
    written = _details(usage.output - usage.reasoning, AUDIO=usage.audio_output, IMAGE=usage.image_output)
    if len(entered) > 1:
        said["promptTokensDetails"] = entered
        if usage.cache_read:
            said["cacheTokensDetails"] = _details(usage.cache_read)
    if len(written) > 1:
        said["candidatesTokensDetails"] = written
    return said


def _details(whole: int, **kinds: int) -> list[dict[str, Any]]:
    counts = {"TEXT": max(0, whole - sum(kinds.values())), **{kind: count for kind, count in kinds.items() if count}}
    return [{"modality": kind, "tokenCount": count} for kind, count in counts.items()]
