"""Prices of one's own go before those of the list, from their day on."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.config import ConfigError
from proxy.ports import Provider
from proxy.price_overrides import parse_prices
from proxy.pricing import NO_PRICE, PriceTable
from proxy.records import Usage

CHECKOUT = Path(__file__).parents[3]
LISTING = (
    b'{"version":"1","providers":[{"id":"mine","api_pattern":"x","provider_match":null,"model_match":null,'
    b'"fallback":[],"models":[{"id":"m","match":["equals","m"],"prices":[[null,{"input_mtok":["1",[[100,"2"]]],'
    b'"output_mtok":["4",[]],"cache_read_mtok":["0.1",[]]}]],"tiers":[["flex",null,{"input_mtok":["0.5",[]]}]]}]}]}'
)
MINE = Provider("mine", "openai", "http://127.0.0.1:1/v1")
USAGE = Usage(input=10, cache_read=10, output=10)


def ns(day: str) -> int:
    return int(datetime.fromisoformat(day).replace(tzinfo=UTC).timestamp()) * 10**9


def cost(section: Any, model: str = "m", usage: Usage = USAGE, day: str = "2026-11-21", tier: str = "") -> int:
    return PriceTable(LISTING, parse_prices(section)).cost(MINE, model, usage, ns(day), tier).nano_usd


def test_what_is_not_named_stays_as_listed() -> None:
    assert cost(None) == 10 * 1000 + 10 * 100 + 10 * 4000
    assert cost({"mine": {"m": {"input": "0.25"}}}) == 10 * 250 + 10 * 100 + 10 * 4000


def test_a_number_of_the_file_is_taken_as_it_is_written() -> None:
    assert cost({"mine": {"m": {"input": 0.1, "cache_read": 0, "output": 0}}}, usage=Usage(input=3)) == 300


def test_a_price_holds_from_its_day_on() -> None:
    section = {"mine": {"m": [{"from": date(2026, 11, 21), "input": 7}, {"from": "2027-01-01", "input": 8}]}}
    days = ("2026-11-20", "2026-11-21", "2026-12-31", "2027-01-01")
    assert [cost(section, usage=Usage(input=1), day=day) for day in days] == [1000, 7000, 7000, 8000]


@pytest.mark.parametrize(
    ("moment", "nano_usd"),
    [
        ("2026-11-20T21:59", 1000),  # a Friday
        ("2026-11-20T22:00", 2000),
        ("2026-11-21T05:59", 2000),
        ("2026-11-21T06:00", 1000),
        ("2026-11-22T23:00", 2000),  # Sunday
        ("2026-11-23T23:00", 1000),  # Monday
        ("2026-11-28T23:00", 1000),  # a Saturday that is left out
        ("2026-11-19T12:30", 3000),  # a Thursday, after a later day's general price
    ],
)
def test_a_price_holds_at_hours_on_weekdays_and_not_on_some_days(moment: str, nano_usd: int) -> None:
    section = {
        "mine": {
            "m": [
                {"hours": ["22:00-06:00"], "days": "Fri-Sun", "but": date(2026, 11, 28), "input": 2},
                {"hours": "12:00-13:00", "days": "Thu", "input": 3},
                {"input": 1},
            ]
        }
    }
    assert cost(section, usage=Usage(input=1), day=moment) == nano_usd


def test_a_long_call_pays_the_price_above_its_length_for_all_its_tokens() -> None:
    section = {"mine": {"m": [{"input": 1}, {"above": 50, "input": 3}]}}
    assert cost(section, usage=Usage(input=50)) == 50_000
    assert cost(section, usage=Usage(input=51)) == 51 * 3000


def test_a_tier_has_a_price_of_its_own() -> None:
    section = {"mine": {"m": [{"input": 1}, {"tier": "flex", "input": "0.3"}]}}
    assert [cost(section, usage=Usage(input=10), tier=tier) for tier in ("", "flex", "priority")] == [
        10_000, 3000, 10_000,
    ]  # fmt: skip


def test_a_batch_costs_half_unless_a_price_says_otherwise() -> None:
    assert cost(None, tier="batch") * 2 == cost(None)
    assert cost({"mine": {"m": {"tier": "batch", "input": 9}}}, usage=Usage(input=1), tier="batch") == 9000


def test_an_exact_name_goes_before_the_longest_pattern() -> None:
    section = {"mine": {"*": {"input": 1}, "gp*": {"input": 2}, "gpt-*": {"input": 3}, "gpt-x": {"input": 4}}}
    names = ("llama", "gpx", "gpt-9", "GPT-X")
    assert [cost(section, name, Usage(input=1)) for name in names] == [1000, 2000, 3000, 4000]


def test_a_model_that_only_the_configuration_knows_is_priced_from_its_day_on_too() -> None:
    table = PriceTable(LISTING, parse_prices({"mine": {"own": {"input": 5}}}))
    found = table.cost(MINE, "own", Usage(input=2), ns("2026-11-21"))
    assert (found.nano_usd, found.is_priced, found.source) == (10_000, True, "configuration: mine/own")
    assert table.cost(Provider("other", "openai", "http://x"), "own", Usage(input=2), 0) == NO_PRICE


def test_a_model_that_only_the_configuration_knows_has_no_price_before_its_day() -> None:
    table = PriceTable(LISTING, parse_prices({"mine": {"own": {"from": "2027-01-01", "input": 5}}}))
    days = ("2026-12-31", "2027-01-01")
    costs = [table.cost(MINE, "own", Usage(input=2), ns(day)) for day in days]
    assert [(cost.nano_usd, cost.is_priced) for cost in costs] == [(0, False), (10_000, True)]


def test_a_table_takes_over_a_configuration_that_was_read_again() -> None:
    table = PriceTable(LISTING)
    before = table.cost(MINE, "m", Usage(input=1), 0)
    table.override(parse_prices({"mine": {"m": {"input": 6}}}))
    assert (before.nano_usd, table.cost(MINE, "m", Usage(input=1), 0).nano_usd) == (1000, 6000)


def test_prices_are_decimals() -> None:
    (override,) = parse_prices({"p": {"m": {"input": 0.1}}}).find("p", "m")
    assert override.prices == {"input_mtok": Decimal("0.1")}


@pytest.mark.parametrize(
    ("section", "place"),
    [
        ([], "prices: must be a mapping"),
        ({"p": {"m": {"input": -1}}}, "prices.p.m[0].input: must be USD"),
        ({"p": {"m": {"input": True}}}, "prices.p.m[0].input: must be USD"),
        ({"p": {"m": {"imput": 1}}}, "'imput' is not known"),
        ({"p": {"m": {"from": "2026-01-01"}}}, "names no price"),
        ({"p": {"m": [{"from": "soon", "input": 1}]}}, "prices.p.m[0].from: must be a day"),
        ({"p": {"m": {"above": "1", "input": 1}}}, "above: must be a number"),
        ({"p": {"m": {"tier": 1, "input": 1}}}, "tier: must be a word"),
        ({"p": {"m": {"hours": "1-4", "input": 1}}}, "hours: must be like '01:00-04:00'"),
        ({"p": {"m": {"days": "Mon-Someday", "input": 1}}}, "days: must be like Sat or Mon-Fri"),
        ({"p": {"m": {"but": ["never"], "input": 1}}}, "but: must be a day"),
        ({"p": []}, "prices.p: must be a mapping"),
    ],
)
def test_a_wrong_price_is_refused_with_its_place(section: Any, place: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_prices(section)
    assert place in str(refused.value)


def test_the_documents_show_prices_that_are_understood() -> None:
    page = (CHECKOUT / "docs" / "reference" / "prices.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    example = (CHECKOUT / "pointsman.example.yaml").read_text(encoding="utf-8")
    assert len(parse_prices(yaml.safe_load(block)["prices"]).find("openai", "ft:gpt-5:mine")) == 5
    assert len(parse_prices(yaml.safe_load(example)["prices"]).find("openai", "ft:gpt-5:mine")) == 1
