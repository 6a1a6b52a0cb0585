"""What the price list lacks or has otherwise than the provider. The sources stand in `price_supplement.toml`."""

import json
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path

import pytest

import proxy.price_supplement
from proxy.cost_command import as_provider, price
from proxy.price_list import compile_listing
from proxy.price_supplement import load_supplement
from proxy.pricing import PriceTable
from proxy.records import Usage
from proxy.usage import read_account

FILE = Path(proxy.price_supplement.__file__).with_suffix(".toml")
A_THOUSAND = Usage(input=1000, cache_read=1000, output=1000)  # in nano-USD a million times the rates


@cache
def table() -> PriceTable:
    return PriceTable(compile_listing())


def cost(provider: str, model: str, at: str) -> Decimal:
    at_ns = int(datetime.fromisoformat(at).replace(tzinfo=UTC).timestamp()) * 10**9
    found = table().cost(as_provider(provider), model, A_THOUSAND, at_ns)
    assert found.is_priced
    return Decimal(found.nano_usd) / 10**6


@pytest.mark.parametrize(
    ("at", "usd"),
    [
        ("2026-11-20T00:59", Decimal("0.753")),  # a Friday
        ("2026-11-20T01:00", Decimal("1.506")),
        ("2026-11-20T03:59:59", Decimal("1.506")),
        ("2026-11-20T05:00", Decimal("0.753")),
        ("2026-11-20T06:00", Decimal("1.506")),
        ("2026-11-20T10:00", Decimal("0.753")),
        ("2026-11-21T02:00", Decimal("0.753")),  # a Saturday
        ("2026-10-01T02:00", Decimal("0.753")),  # China's national day, a Thursday
        ("2026-10-08T02:00", Decimal("1.506")),
        ("2026-08-20T02:00", Decimal("1.774")),  # V4 Flash, before V4.1
        ("2026-07-01T02:00", Decimal("0.4228")),  # before there were peaks
    ],
)
def test_deepseek_is_dearer_on_the_mornings_and_afternoons_of_working_days(at: str, usd: Decimal) -> None:
    assert cost("deepseek", "deepseek-v4-flash", at) == usd


@pytest.mark.parametrize(
    ("at", "usd"),
    [
        ("2025-03-15T12:00", Decimal("1.44")),  # V3: 0.27, 0.07, 1.10
        ("2025-03-15T20:00", Decimal("0.72")),  # its night
        ("2025-09-10T20:00", Decimal("2.31")),  # V3.1: 0.56, 0.07, 1.68, at any hour
        ("2025-12-01T12:00", Decimal("0.728")),  # V3.2: 0.28, 0.028, 0.42
        ("2026-05-01T12:00", Decimal("0.448")),  # V4 Flash: 0.14, 0.028, 0.28
    ],
)
def test_an_alias_costs_what_the_newest_model_of_its_day_cost(at: str, usd: Decimal) -> None:
    assert cost("deepseek", "deepseek-chat", at) == usd


def test_mistrals_newest_large_model_is_the_third_since_december_2025() -> None:
    assert cost("mistral", "mistral-large-latest", "2025-11-01") == 2 + 2 + 6
    assert cost("mistral", "mistral-large-latest", "2026-11-01") == Decimal("0.5") + Decimal("0.05") + Decimal("1.5")


def test_another_name_of_a_listed_model_costs_what_that_one_costs() -> None:
    for provider, names, listed in (
        ("xai", ("grok-4.20-beta-latest-reasoning", "grok-4.20-0309"), "grok-4.20"),
        ("mistral", ("devstral-latest", "devstral-medium-latest"), "devstral-2512"),
        ("bedrock", ("openai.gpt-oss-120b",), "openai.gpt-oss-120b-1:0"),
    ):
        for name in names:
            assert cost(provider, name, "2026-11-01") == cost(provider, listed, "2026-11-01")


def test_an_old_model_of_bedrock_has_its_price() -> None:
    assert cost("bedrock", "anthropic.claude-v2", "2026-11-01") == 8 + 8 + 24


def test_a_tuned_model_costs_by_what_it_was_made_of() -> None:
    assert cost("openai", "ft:gpt-4.1-mini-2025-04-14:org::id", "2026-11-01") == Decimal("0.8") + Decimal(
        "0.2"
    ) + Decimal("3.2")
    assert cost("openai", "ft:gpt-4o-mini-2024-07-18:org::id", "2026-11-01") == Decimal("0.3") + Decimal(
        "0.15"
    ) + Decimal("1.2")


@pytest.mark.parametrize(("context", "fee"), [("", 5), ("low", 5), ("medium", 8), ("high", 12)])
def test_a_request_of_sonar_costs_by_its_search_context(context: str, fee: int) -> None:
    usage = {"prompt_tokens": 33, "completion_tokens": 716, "total_tokens": 749, "search_context_size": context}
    account = read_account(json.dumps({"usage": usage}))
    assert account is not None
    found = price(table(), "perplexity", "sonar", account, 1_790_000_000 * 10**9)
    assert Decimal(found["computed_usd"]) == Decimal(749) / 10**6 + Decimal(fee) / 1000


def test_what_is_said_of_a_name_is_not_said_of_one_that_ends_with_it() -> None:
    usage = Usage(input=1000)
    own = table().cost(as_provider("perplexity"), "perplexity/sonar", usage, 1_795_000_000 * 10**9)
    assert own.nano_usd == 250_000  # of the Agent API, without a fee for the request


def test_every_entry_is_in_use() -> None:
    """One that the list has learnt, or that points to nothing, is to go."""
    entries, supplement = tomllib.loads(FILE.read_text(encoding="utf-8")), load_supplement()
    known = {
        one: as_provider({"aws": "bedrock", "google": "gemini", "x-ai": "xai"}.get(one, one))
        for one in entries["missing"]
    }
    at_ns = int(datetime(2026, 11, 20, 2, tzinfo=UTC).timestamp()) * 10**9
    for provider, models in entries["missing"].items():
        for name, entry in models.items():
            asked = name.replace("*", "025-01-01" if name.endswith("2*") else "x").lower()
            source = table().cost(known[provider], asked, A_THOUSAND, at_ns).source
            if isinstance(entry, str):
                assert source.startswith("genai-prices"), name
                assert supplement.name_in_list(provider, asked) == entry
            else:
                assert source.startswith("price supplement: "), name
