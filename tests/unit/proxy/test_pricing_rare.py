"""Answers that are seldom recorded cost what the other engine reads and computes."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Any

import genai_prices
import pytest

from proxy.cost_command import price
from proxy.price_list import compile_listing
from proxy.pricing import PriceTable
from proxy.usage import read_account

AT = datetime(2026, 11, 1, tzinfo=UTC)


@cache
def table() -> PriceTable:
    return PriceTable(compile_listing())


def kinds(**counts: int) -> list[dict[str, Any]]:
    return [{"modality": kind.upper(), "tokenCount": count} for kind, count in counts.items()]


REALTIME = {
    "response": {
        "usage": {
            "total_tokens": 253, "input_tokens": 132, "output_tokens": 121,
            "input_token_details": {
                "text_tokens": 119, "audio_tokens": 13, "cached_tokens": 64,
                "cached_tokens_details": {"text_tokens": 54, "audio_tokens": 10},
            },
            "output_token_details": {"text_tokens": 30, "audio_tokens": 91},
        }
    }
}  # fmt: skip
PICTURE = {
    "input_tokens": 50, "output_tokens": 50, "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
    "output_tokens_details": {"image_tokens": 40, "text_tokens": 10}, "total_tokens": 100,
}  # fmt: skip
SOUND_FROM_CACHE = {
    "promptTokenCount": 1000, "cachedContentTokenCount": 300, "candidatesTokenCount": 50, "thoughtsTokenCount": 70,
    "promptTokensDetails": kinds(audio=600, text=400), "cacheTokensDetails": kinds(audio=200, text=100),
}  # fmt: skip
BOTH_CACHES = {
    "input_tokens": 100, "cache_creation_input_tokens": 210_000, "cache_read_input_tokens": 5, "output_tokens": 77,
    "cache_creation": {"ephemeral_5m_input_tokens": 200_000, "ephemeral_1h_input_tokens": 10_000},
    "server_tool_use": {"web_search_requests": 2},
}  # fmt: skip
ON_BEDROCK = {
    "inputTokens": 100, "outputTokens": 5, "cacheReadInputTokens": 50, "cacheWriteInputTokens": 70,
    "cacheDetails": [{"ttl": "1h", "inputTokens": 40}, {"ttl": "5m", "inputTokens": 30}],
}  # fmt: skip
RESEARCH = {
    "prompt_tokens": 33, "completion_tokens": 7163, "total_tokens": 7196, "citation_tokens": 20_016,
    "num_search_queries": 18, "reasoning_tokens": 95_305,
}  # fmt: skip
THOUGHT_BESIDE = {
    "prompt_tokens": 33, "completion_tokens": 7, "total_tokens": 140, "prompt_tokens_details": {"cached_tokens": 4},
    "completion_tokens_details": {"reasoning_tokens": 100},
}  # fmt: skip
PAID_LESS = {"billed_units": {"input_tokens": 5, "output_tokens": 418}, "tokens": {"input_tokens": 71}}


@pytest.mark.parametrize(
    ("provider", "flavor", "model", "answer"),
    [
        ("openai", "realtime", "gpt-realtime", REALTIME),
        ("openai", "images", "gpt-image-1.5", {"usage": PICTURE}),
        ("google", "default", "gemini-2.5-flash", {"usageMetadata": SOUND_FROM_CACHE}),
        ("google", "default", "gemini-2.5-pro", {"usageMetadata": {"promptTokenCount": 200_001}}),
        ("google", "default", "gemini-2.5-pro", {"usageMetadata": {"promptTokenCount": 200_000}}),
        ("anthropic", "default", "claude-sonnet-4-5", {"usage": BOTH_CACHES}),
        ("aws", "default", "us.anthropic.claude-sonnet-4-5-20250929-v1:0", {"usage": ON_BEDROCK}),
        ("perplexity", "default", "sonar-deep-research", {"usage": RESEARCH}),
        ("x-ai", "chat", "grok-4", {"usage": THOUGHT_BESIDE}),
        ("cohere", "default", "command-a-03-2025", {"usage": PAID_LESS}),
    ],
)  # fmt: skip
def test_a_rare_answer_costs_what_the_other_engine_reads_and_computes(
    provider: str, flavor: str, model: str, answer: dict[str, Any]
) -> None:
    account = read_account(json.dumps(answer))
    assert account is not None
    ours = price(table(), provider, model, account, int(AT.timestamp()) * 10**9)
    usage = genai_prices.extract_usage(answer, provider_id=provider, api_flavor=flavor).usage
    theirs = genai_prices.calc_price(usage, model, provider_id=provider, genai_request_timestamp=AT)
    assert Decimal(ours["computed_usd"]) == theirs.total_price
