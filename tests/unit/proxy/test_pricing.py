"""Held against genai-prices' own calculation, to the nano-dollar."""

import time
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from functools import cache

import genai_prices
import pytest
from genai_prices.data import providers as listed_providers
from genai_prices.types import ModelInfo, ModelPrice, TieredPrices

from proxy.ports import Provider
from proxy.price_list import compile_listing
from proxy.price_supplement import load_supplement
from proxy.pricing import NO_PRICE, PriceTable
from proxy.records import Usage

NOW_NS = time.time_ns()
USAGES = [
    Usage(input=1),
    Usage(input=1000, output=500),
    Usage(input=123_457, cache_read=98_765, output=4321),
    Usage(input=3, cache_read=7, cache_write_5m=11, cache_write_1h=13, output=17),
    Usage(input=250_000, cache_read=10_000, output=999),
    Usage(input=1_500_000, output=70_001),
    Usage(cache_write_5m=200_001, output=3),
]


@cache
def table() -> PriceTable:
    return PriceTable(compile_listing())


def provider(name: str, **fields: object) -> Provider:
    return Provider(name, "openai", "http://127.0.0.1:1/v1", **fields)  # type: ignore[arg-type]


def theirs(provider_id: str, model: str, usage: Usage, at: datetime, **context: str) -> int:
    written = usage.cache_write_5m + usage.cache_write_1h
    price = genai_prices.calc_price(
        genai_prices.Usage(
            input_tokens=usage.input + usage.cache_read + written,
            cache_read_tokens=usage.cache_read,
            cache_write_tokens=written,
            cache_write_1h_tokens=usage.cache_write_1h,
            output_tokens=usage.output,
        ),
        model,
        provider_id=provider_id,
        genai_request_timestamp=at,
        price_context=context or None,
    )
    return int((price.total_price * 10**9).to_integral_value(ROUND_HALF_EVEN))


@pytest.mark.parametrize("usage", USAGES)
def test_every_text_model_of_every_provider_costs_what_genai_prices_says(usage: Usage) -> None:
    at = datetime.fromtimestamp(NOW_NS / 1e9, UTC)
    compared, supplement = 0, load_supplement()
    for listed in listed_providers:
        for model in listed.models:
            if model.match.is_match(model.id.lower()) and listed.find_model(model.id) is model:
                if "claude" in model.id and (usage.cache_write_5m or usage.cache_write_1h) and not says_writes(model):
                    continue  # see the next test
                if supplement.find(listed.id, model.id.lower(), is_listed=True):
                    continue  # see `test_price_supplement.py`
                ours = table().cost(provider(listed.id), model.id, usage, NOW_NS)
                assert ours.nano_usd == theirs(listed.id, model.id, usage, at), (listed.id, model.id)
                compared += 1
    assert compared > 1000


def says_writes(model: ModelInfo) -> bool:
    prices = model.get_prices(datetime.fromtimestamp(NOW_NS / 1e9, UTC))
    return prices.cache_write_mtok is not None and prices.cache_write_1h_mtok is not None


def test_claudes_cache_costs_more_to_write_than_its_input_where_the_list_says_nothing_of_it() -> None:
    vertex = provider("google")
    opus = "claude-4-opus"
    assert table().cost(vertex, opus, Usage(cache_write_5m=1000), NOW_NS).nano_usd == 18_750_000  # as listed
    assert table().cost(vertex, opus, Usage(cache_write_1h=1000), NOW_NS).nano_usd == 30_000_000  # 2 x 15
    old = table().cost(provider("anthropic"), "claude-2", Usage(cache_write_5m=1000, cache_write_1h=1000), NOW_NS)
    assert old.nano_usd == 8_000_000 * 5 // 4 + 8_000_000 * 2


def test_bedrock_lists_all_that_it_charges_for_a_cache() -> None:
    opus = "anthropic.claude-opus-4-20250514-v1:0"
    written = table().cost(provider("aws"), opus, Usage(cache_write_5m=1000, cache_write_1h=1000), NOW_NS)
    assert written.nano_usd == 2 * 18_750_000


@pytest.mark.parametrize("hour", [0, 5, 12, 17, 23])
@pytest.mark.parametrize("day", [datetime(2025, 2, 1, tzinfo=UTC), datetime(2026, 11, 1, tzinfo=UTC)])
def test_a_price_depends_on_the_date_and_the_hour(day: datetime, hour: int) -> None:
    at = day.replace(hour=hour, minute=31)
    usage = Usage(input=1000, cache_read=10, output=100)
    nightly = [("deepseek", "deepseek-chat")] if day.year == 2025 else []  # until September 2025 as the list has it
    for name, model in (*nightly, ("openai", "gpt-4o"), ("openai", "o3")):
        ours = table().cost(provider(name), model, usage, int(at.timestamp() * 1e9))
        assert ours.nano_usd == theirs(name, model, usage, at)


@pytest.mark.parametrize("tier", ["flex", "priority", "default", "unheard-of"])
def test_a_price_depends_on_the_service_tier(tier: str) -> None:
    at = datetime.fromtimestamp(NOW_NS / 1e9, UTC)
    usage = Usage(input=1000, cache_read=10, output=100)
    ours = table().cost(provider("openai"), "gpt-5-mini", usage, NOW_NS, tier)
    assert ours.nano_usd == theirs("openai", "gpt-5-mini", usage, at, service_tier=tier)


def test_a_sum_that_ends_in_a_half_is_rounded_to_the_even_nano_dollar() -> None:
    table_of_one = PriceTable(
        b'{"version":"1","providers":[{"id":"p","api_pattern":"x","provider_match":null,"model_match":null,"fallback":[],'
        b'"models":[{"id":"m","match":["equals","m"],"prices":[[null,{"input_mtok":["0.0005",[]]}]],"tiers":[]}]}]}'
    )
    costs = [table_of_one.cost(provider("p"), "m", Usage(input=count), NOW_NS).nano_usd for count in (1, 3, 5, 7)]
    assert costs == [0, 2, 2, 4]


def test_an_unknown_model_costs_nothing_and_says_so() -> None:
    assert table().cost(provider("openai"), "no-such-model", Usage(input=9), NOW_NS) == NO_PRICE
    assert table().known_models(provider("nowhere")) == []


def test_a_model_of_ones_own_can_be_free() -> None:
    free = table().cost(provider("openai", price_provider="free"), "gpt-5", Usage(input=9), NOW_NS)
    assert (free.nano_usd, free.is_priced, free.source) == (0, True, "free")


def test_a_simulated_model_is_priced_as_the_model_it_plays_or_as_a_small_one() -> None:
    simulated = provider("simulated", is_simulated=True)
    known = table().cost(simulated, "claude-haiku-5-5", Usage(output=1000), NOW_NS)
    unknown = table().cost(simulated, "dreamt-up", Usage(output=1000), NOW_NS)
    assert "anthropic/claude-haiku-5-5" in known.source
    assert unknown.nano_usd == table().cost(provider("openai"), "gpt-5-mini", Usage(output=1000), NOW_NS).nano_usd
    assert unknown.source.startswith("simulated")


def test_a_provider_is_known_by_its_address_too() -> None:
    named = Provider("mine", "openai", "https://api.openai.com/v1")
    assert table().cost(named, "gpt-5-mini", Usage(input=1000), NOW_NS).nano_usd == 250_000


@pytest.mark.parametrize(
    ("asked", "name", "listed"),
    [
        ("google", "models/gemini-2.5-flash", "google/gemini-2.5-flash"),
        ("google", "publishers/google/models/gemini-2.5-pro", "google/gemini-2.5-pro"),
        ("openai", "openai/gpt-5-mini", "openai/gpt-5-mini"),
        ("aws", "arn:aws:bedrock:us-east-1:0:inference-profile/us.anthropic.claude-opus-5",
         "aws/regional.anthropic.claude-opus-5"),
    ],
)  # fmt: skip
def test_a_model_is_known_with_its_address_before_its_name(asked: str, name: str, listed: str) -> None:
    assert table().cost(provider(asked), name, Usage(input=1), NOW_NS).source.endswith(f": {listed}")


@pytest.mark.parametrize(
    ("asked", "name", "listed"),
    [
        ("azure", "gpt-5.1-codex-2025-11-13", "azure/gpt-5.1"),
        ("fireworks", "gpt-oss-120b", "fireworks/gpt-oss-120b"),
        ("openrouter", "openrouter/openai/gpt-4o", "openrouter/openai/gpt-4o"),
        ("perplexity", "anthropic/claude-opus-4-6", "perplexity/claude-opus-4-6"),
        ("perplexity", "xai/grok-4.3", "perplexity/grok-4.3"),
    ],
)
def test_a_model_is_known_without_its_date_by_its_short_name_and_by_whose_it_is(
    asked: str, name: str, listed: str
) -> None:
    assert table().cost(provider(asked), name, Usage(input=1), NOW_NS).source.endswith(f": {listed}")


def test_a_slow_tier_is_not_sold_on() -> None:
    azure, usage = provider("azure"), Usage(input=1000, output=100)
    plain = table().cost(azure, "gpt-5-mini", usage, NOW_NS).nano_usd
    assert table().cost(azure, "gpt-5-mini", usage, NOW_NS, "flex").nano_usd == plain
    assert table().cost(azure, "gpt-5-mini", usage, NOW_NS, "priority").nano_usd > plain
    assert table().cost(provider("openai"), "gpt-5-mini", usage, NOW_NS, "flex").nano_usd == plain // 2


@pytest.mark.parametrize(("model", "share"), [("claude-opus-4-5", 10), ("claude-opus-4-6", 11), ("claude-opus-5", 11)])
def test_a_region_has_its_price_since_opus_46(model: str, share: int) -> None:
    plain = table().cost(provider("anthropic"), model, Usage(input=1000), NOW_NS).nano_usd
    assert table().cost(provider("anthropic"), model, Usage(input=1000), NOW_NS, "us").nano_usd * 10 == plain * share


def test_a_name_behind_a_stranger_is_not_guessed() -> None:
    assert not table().cost(provider("openai"), "somebody/gpt-5-mini", Usage(input=1), NOW_NS).is_priced


def test_searches_are_paid_one_by_one_and_a_request_that_used_nothing_is_not() -> None:
    claude = table().cost(provider("anthropic"), "claude-sonnet-4-5", Usage(searches=3), NOW_NS)
    assert claude.nano_usd == 30_000_000
    sonar = provider("perplexity")
    fee = table().cost(sonar, "sonar", Usage(input=1), NOW_NS).nano_usd
    assert fee > 1_000_000
    assert table().cost(sonar, "sonar", Usage(), NOW_NS).nano_usd == 0


def test_sound_and_pictures_are_paid_by_their_own_rates() -> None:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    usage = Usage(input=1000, cache_read=100, output=500, audio_input=400, audio_cache_read=60, image_output=300)
    for model in ("gemini-2.0-flash", "gemini-2.5-flash", "gemini-2.5-flash-image"):
        price = genai_prices.calc_price(
            genai_prices.Usage(
                input_tokens=1100,
                cache_read_tokens=100,
                output_tokens=500,
                input_audio_tokens=460,
                cache_audio_read_tokens=60,
                output_image_tokens=300,
            ),
            model,
            provider_id="google",
            genai_request_timestamp=at,
        )
        ours = table().cost(provider("google"), model, usage, int(at.timestamp()) * 10**9)
        assert ours.nano_usd == int((price.total_price * 10**9).to_integral_value(ROUND_HALF_EVEN)), model


def test_what_each_count_costs_adds_up_to_the_whole() -> None:
    usage = Usage(1000, 900, 800, 700, 600, 50, 60, 70, 80, 90, 100, 0, 12)
    for name, model in (("anthropic", "claude-sonnet-4-5"), ("google", "gemini-2.5-flash"), ("perplexity", "sonar")):
        whole = table().cost_of_call(provider(name), ["unknown", model], usage, NOW_NS)
        parts = dict(whole.parts or {})
        within = {"reasoning", "audio_input", "image_input", "audio_cache_read", "audio_output", "image_output"}
        assert within <= parts.keys()
        assert sum(cost for part, cost in parts.items() if part not in within) == whole.nano_usd
    assert "request" in parts
    assert table().cost_of_call(provider("openai"), ["unknown"], usage, NOW_NS) == NO_PRICE


def test_the_list_prices_text_as_this_test_assumes() -> None:
    """Guards the test above: the units that we can fill are still the ones that chat models are priced in."""
    priced = sum(
        isinstance(model.prices, ModelPrice) and isinstance(model.prices.input_mtok, Decimal | TieredPrices)
        for listed in listed_providers
        for model in listed.models
    )
    assert priced > 1000
