"""What is counted otherwise than the common tokens: sound by its length, text by its characters, pages, file searches.

Few calls have any of them, so they stand together in `Usage.units`, by these names.

| name | said by | remark |
|---|---|---|
| `audio_ms` | transcriptions: OpenAI's `usage.seconds`, Mistral's `prompt_audio_seconds`, Groq's `duration` | |
| `characters` | speech: the length of the request's `input` | |
| `file_searches` | Responses: `file_search_call` among the items | |
| `pages`, `annotated_pages` | Mistral's `usage_info` | a page is one or the other |
| `video_input`, `video_output` | Gemini: tokens, part of `input` and of `output` | |
| `image_cache_read` | OpenAI's pictures: tokens, part of `cache_read` | |
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from proxy.price_list import Rates

_NANO = 10**9
_LEAST_AT_GROQ_MS = 10_000  # https://console.groq.com/docs/speech-to-text (November 2026)
_AT_GROQ = "whisper-large-v3"


class Unit(NamedTuple):
    """`prices` in the list, the first that there is; `per` so many of them, in USD; `whole` for what is part of one."""

    prices: tuple[str, ...]
    per: int
    whole: str = ""


UNITS: Mapping[str, Unit] = {
    "audio_ms": Unit(("input_audio_hours", "audio_hours"), 3_600_000),
    "characters": Unit(("input_mchars",), 10**6),
    "file_searches": Unit(("storage_searches_kcount",), 1000),
    "pages": Unit(("input_document_kpages",), 1000),
    "annotated_pages": Unit(("input_annotated_document_kpages",), 1000),
    "video_input": Unit(("input_video_mtok", "input_mtok"), 10**6, "input"),
    "video_output": Unit(("output_video_mtok", "output_mtok"), 10**6, "output"),
    "image_cache_read": Unit(("cache_image_read_mtok", "cache_read_mtok", "input_mtok"), 10**6, "cache_read"),
}
_ALWAYS_WHOLE = {"file_searches"}  # a batch is not cheaper to search


def unit_rates(rates: Rates, whole_input: int, share: Decimal, scale: int) -> dict[str, int]:
    """In nano-USD times `scale`, for as many as the price is `per`, of those units that have one."""
    found: dict[str, int] = {}
    for name, unit in UNITS.items():
        rate = next((rates[price] for price in unit.prices if price in rates), None)
        if rate is not None:
            usd = rate.at(whole_input) * (1 if name in _ALWAYS_WHOLE else share)
            found[name] = int(usd * _NANO * scale)
    return found


def amount(name: str, count: int, rate: int) -> int:
    """Divided last: an hour has no whole number of nano-USD for each of its milliseconds."""
    per = UNITS[name].per
    return (count * rate + per // 2) // per


def billed_count(name: str, count: int, model: str) -> int:
    """Groq bills ten seconds of sound at least."""
    if name == "audio_ms" and count and model.startswith(_AT_GROQ):
        return max(count, _LEAST_AT_GROQ_MS)
    return count
