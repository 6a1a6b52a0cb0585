"""What is paid by its length, its characters, its pages or by the search. Answers as the providers document them."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import genai_prices
import pytest

from proxy.cost_command import price
from proxy.dialects.taps import body_reader
from proxy.price_list import compile_listing
from proxy.price_overrides import parse_prices
from proxy.pricing import PriceTable
from proxy.usage import read_account

AT = datetime(2026, 11, 1, tzinfo=UTC)
AT_NS = int(AT.timestamp()) * 10**9
HEARD_WHISPER = {"text": "Hello.", "usage": {"type": "duration", "seconds": 60}}
HEARD_AS_TOKENS = {
    "text": "Hello.",
    "usage": {
        "type": "tokens", "input_tokens": 14, "input_token_details": {"text_tokens": 10, "audio_tokens": 4},
        "output_tokens": 101, "total_tokens": 115,
    },
}  # fmt: skip
HEARD_BY_GROQ = {"task": "transcribe", "language": "English", "duration": 36.0, "text": "Hello.", "x_groq": {"id": "r"}}
HEARD_BY_MISTRAL = {
    "model": "voxtral-mini-2602", "text": "Hello.", "segments": [],
    "usage": {"prompt_audio_seconds": 203, "prompt_tokens": 4, "total_tokens": 3264, "completion_tokens": 635},
}  # fmt: skip
READ_BY_MISTRAL = {"pages": [], "model": "mistral-ocr-4-1", "usage_info": {"pages_processed": 3, "doc_size_bytes": 9}}
RANKED = {"id": "r", "results": [], "meta": {"api_version": {"version": "2"}, "billed_units": {"search_units": 1}}}
LOOKED_UP = {
    "object": "response", "model": "gpt-5-mini",
    "output": [{"type": "file_search_call", "queries": ["a", "b"]}, {"type": "file_search_call", "queries": ["c"]}],
    "usage": {"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
}  # fmt: skip
WATCHED = {
    "usageMetadata": {
        "promptTokenCount": 700,
        "promptTokensDetails": [
            {"modality": "VIDEO", "tokenCount": 500},
            {"modality": "TEXT", "tokenCount": 200},
        ],
    }
}
PAINTED_FROM_CACHE = {
    "input_tokens": 900, "output_tokens": 0, "total_tokens": 900,
    "input_tokens_details": {
        "text_tokens": 100, "image_tokens": 800, "cached_tokens": 600, "cached_tokens_details": {"image_tokens": 600},
    },
}  # fmt: skip


@cache
def table() -> PriceTable:
    return PriceTable(compile_listing())


def asked(provider: str, model: str, answer: Any, tier: str = "") -> dict[str, Any]:
    account = read_account(json.dumps(answer))
    assert account is not None
    return price(table(), provider, model, account, AT_NS, tier)


@pytest.mark.parametrize(
    ("provider", "model", "answer", "usd"),
    [
        ("openai", "whisper-1", HEARD_WHISPER, "0.006"),  # 0.36 an hour
        ("openai", "gpt-4o-transcribe", HEARD_AS_TOKENS, "0.001059"),  # 10 x 2.5 + 4 x 6 + 101 x 10
        ("groq", "whisper-large-v3", HEARD_BY_GROQ, "0.00111"),  # 0.111 an hour
        ("groq", "whisper-large-v3", {**HEARD_BY_GROQ, "duration": "18"}, "0.000555"),
        ("mistral", "", HEARD_BY_MISTRAL, "0.01015"),  # 0.18 an hour
        ("openai", "tts-1", {"characters": 1000}, "0.015"),
        ("mistral", "", READ_BY_MISTRAL, "0.012"),  # 4 a thousand
        ("mistral", "", {**READ_BY_MISTRAL, "document_annotation": "{}"}, "0.015"),  # 5 a thousand
        ("cohere", "rerank-v3.5", RANKED, "0.002"),
        ("cohere", "rerank-v4.0-pro", RANKED, "0.0025"),
        ("cohere", "embed-v4.0", {"meta": {"billed_units": {"input_tokens": 100, "image_tokens": 1000}}}, "0.000482"),
        ("voyageai", "rerank-2.5", {"usage": {"total_tokens": 1000}}, "0.00005"),
        ("openai", "", LOOKED_UP, "0.00545"),  # 1000 x 0.25 + 100 x 2 and twice 2.5 a thousand
        ("google", "gemini-embedding-2", WATCHED, "0.00604"),  # 500 x 12 + 200 x 0.2
        ("openai", "gpt-image-1", PAINTED_FROM_CACHE, "0.004"),  # 100 x 5 + 200 x 10 + 600 x 2.5
    ],
)  # fmt: skip
def test_what_is_not_counted_in_common_tokens_has_its_price(
    provider: str, model: str, answer: dict[str, Any], usd: str
) -> None:
    found = asked(provider, model, answer)
    assert (found["computed_usd"], found["is_priced"]) == (usd, True)
    assert sum(found["computed_parts"].values()) >= Decimal(usd) * 10**9 - 1


def test_groq_bills_ten_seconds_at_least() -> None:
    short, ten = ({**HEARD_BY_GROQ, "duration": seconds} for seconds in (0.4, 10))
    assert asked("groq", "whisper-large-v3", short)["nano_usd"] == asked("groq", "whisper-large-v3", ten)["nano_usd"]
    assert asked("openai", "whisper-1", {"type": "duration", "seconds": 1})["nano_usd"] == 100_000


@pytest.mark.parametrize(
    ("provider", "model", "units"),
    [
        ("openai", "whisper-1", {"audio_seconds": 60, "input_audio_seconds": 60}),
        ("groq", "whisper-large-v3-turbo", {"audio_seconds": 4, "input_audio_seconds": 4}),
        ("openai", "gpt-transcribe", {"audio_seconds": 61, "input_audio_seconds": 61}),
    ],
)
def test_sound_costs_what_the_other_engine_computes(provider: str, model: str, units: dict[str, int]) -> None:
    theirs = genai_prices.calc_price(
        genai_prices.Usage(**units), model, provider_id=provider, genai_request_timestamp=AT
    ).total_price
    ours = Decimal(asked(provider, model, {"type": "duration", "seconds": units["audio_seconds"]})["computed_usd"])
    assert abs(ours - theirs) < Decimal("1e-15")


def test_a_batch_of_sound_costs_half_and_a_search_in_files_does_not() -> None:
    assert asked("groq", "whisper-large-v3", HEARD_BY_GROQ, "batch")["computed_usd"] == "0.000555"
    batch = asked("openai", "", LOOKED_UP, "batch")
    assert batch["computed_parts"]["file_searches"] == 5_000_000


def test_the_gateway_counts_searches_in_files_on_the_way() -> None:
    usage = body_reader("responses")(json.dumps(LOOKED_UP).encode()).usage
    assert usage is not None
    assert usage.units == {"file_searches": 2}


def test_a_unit_can_have_a_price_of_ones_own() -> None:
    own = PriceTable(
        b'{"version":"1","providers":[]}', parse_prices({"mine": {"m": {"audio_hour": 1, "character": 2}}})
    )
    for answer, nano_usd in (({"type": "duration", "seconds": 36}, 10_000_000), ({"characters": 3}, 6000)):
        account = read_account(json.dumps(answer))
        assert account is not None
        assert price(own, "mine", "m", account, AT_NS)["nano_usd"] == nano_usd


@pytest.mark.parametrize(
    "answer", [{"seconds": -1}, {"seconds": "soon"}, {"duration": None, "text": ""}, {"seconds": 1e300}]
)
def test_nonsense_counts_nothing(answer: Any) -> None:
    account = read_account(json.dumps(answer))
    assert account is None or account.usage.units is None
