"""Recorded calls take the prices of today, once, and the sums of their runs follow."""

from datetime import UTC, date, datetime

import pytest

from controlplane.recorder.repricing import Chosen, Repriced, reprice
from controlplane.recorder.rollups import derive_due
from proxy.ports import Provider
from proxy.price_overrides import parse_prices
from proxy.pricing import PriceTable
from proxy.records import Usage
from tests.fakes.recording import SECOND_NS, START_NS, Bench, ended, started, write

LISTING = (
    b'{"version":"2","providers":[{"id":"openai","api_pattern":"x","provider_match":null,"model_match":null,'
    b'"fallback":[],"models":[{"id":"gpt-5-mini","match":["equals","gpt-5-mini"],"prices":[[null,'
    b'{"input_mtok":["1",[]],"output_mtok":["10",[]]}]],"tiers":[["flex",null,{"input_mtok":["0.5",[]]}]]}]}]}'
)
TABLE = PriceTable(LISTING)
ALL = Chosen()
START = datetime.fromtimestamp(START_NS / 1e9, UTC).date()


def record(bench: Bench, *records: object) -> None:
    writer = bench.writer(f"{bench.clock.passed_ns}-1")
    write(writer, *records)
    writer.close()
    bench.recorder().turn(at_once=True)
    bench.clock.pass_seconds(1)


def again(bench: Bench, table: PriceTable = TABLE, chosen: Chosen = ALL, *, is_dry: bool = False) -> Repriced:
    providers = {"openai": Provider("openai", "openai", "https://api.openai.com/v1")}
    found = reprice(bench.calls, table, providers, chosen, is_dry=is_dry)
    if not is_dry:
        derive_due(bench.calls, bench.control, 1)
    return found


def test_a_call_takes_the_prices_of_today_and_its_run_the_sum(bench: Bench) -> None:
    record(bench, started("c_1"), ended("c_1"), started("c_2", agent_id=None), ended("c_2", cost_nano_usd=50))
    found = again(bench)

    assert bench.call("c_1")["cost_nano_usd"] == 1000 * 1000 + 100 * 10_000
    assert bench.call("c_1")["cost_parts"] == '{"input":1000000,"output":1000000}'
    assert bench.call("c_1")["price_source"] == "genai-prices 2: openai/gpt-5-mini"
    assert bench.usage()["cost_nano_usd"] == 2 * 2_000_000
    assert bench.told()[-1] == "t_1"
    (change,) = found.changes.values()
    assert (found.calls, change.calls, change.before_nano_usd, change.after_nano_usd) == (2, 2, 500, 4_000_000)


def test_the_second_time_nothing_changes_and_nobody_hears_anything_new(bench: Bench) -> None:
    record(bench, started("c_1"), ended("c_1"))
    again(bench)
    before = bench.call("c_1"), bench.usage()
    assert not again(bench).changes
    assert (bench.call("c_1"), bench.usage()) == before


def test_a_dry_run_tells_and_writes_nothing(bench: Bench) -> None:
    record(bench, started("c_1"), ended("c_1"))
    assert again(bench, is_dry=True).changes["openai", "gpt-5-mini"].after_nano_usd == 2_000_000
    assert (bench.call("c_1")["cost_nano_usd"], bench.usage()["cost_nano_usd"]) == (450, 450)


def test_killed_between_the_two_databases_the_recorder_goes_on(bench: Bench) -> None:
    record(bench, started("c_1"), ended("c_1"))
    reprice(bench.calls, TABLE, {}, Chosen())
    assert bench.usage()["cost_nano_usd"] == 450
    bench.recorder().turn(at_once=True)
    assert bench.usage()["cost_nano_usd"] == 2_000_000


def test_a_call_that_had_no_price_gets_one(bench: Bench) -> None:
    record(bench, started("c_1", model="own"), ended("c_1", cost_nano_usd=0, is_priced=False))
    assert not again(bench).changes
    again(bench, PriceTable(LISTING, parse_prices({"openai": {"own": {"input": 3, "output": 0}}})))
    call = bench.call("c_1")
    assert (call["cost_nano_usd"], call["is_priced"], call["price_source"]) == (
        3_000_000,
        1,
        "configuration: openai/own",
    )


def test_the_price_is_that_of_the_day_of_the_call_and_of_its_tier(bench: Bench) -> None:
    record(bench, started("c_1"), ended("c_1", service_tier="flex"))
    later = date.fromordinal(START.toordinal() + 1)
    again(bench, PriceTable(LISTING, parse_prices({"openai": {"gpt-5-mini": {"from": later, "input": 99}}})))
    assert bench.call("c_1")["cost_nano_usd"] == 1000 * 500 + 100 * 10_000


def test_all_that_was_counted_is_priced(bench: Bench) -> None:
    prices = {
        "input": 1, "output": 10, "cache_read": "0.1", "cache_write": "1.25", "cache_write_1h": 2, "reasoning": 11,
        "audio_input": 5, "audio_output": 20, "audio_cache_read": "0.2", "image_input": 3, "image_output": 30,
        "citation": 4, "search": 10, "request": 5,
    }  # fmt: skip
    table = PriceTable(LISTING, parse_prices({"openai": {"gpt-5-mini": prices}}))
    usage = Usage(100, 90, 80, 70, 60, 5, 6, 7, 8, 9, 10, 11, 12)
    record(bench, started("c_1"), ended("c_1", usage=usage))
    again(bench, table)
    live = table.cost(Provider("openai", "openai", ""), "gpt-5-mini", usage, START_NS)
    by_hand = (
        100 * 1000 + 6 * 4000 + 8 * 2000 + 90 * 100 + 10 * 100 + 80 * 1250 + 70 * 2000
        + 60 * 10_000 + 5 * 1000 + 7 * 10_000 + 9 * 20_000 + 11 * 4000 + 12 * 10_000_000 + 5_000_000
    )  # fmt: skip
    assert bench.call("c_1")["cost_nano_usd"] == live.nano_usd == by_hand


def test_what_is_not_counted_in_tokens_is_priced_again_too(bench: Bench) -> None:
    usage = Usage(input=1000, units={"audio_ms": 36_000, "file_searches": 2})
    record(bench, started("c_1"), ended("c_1", usage=usage, cost_nano_usd=0))
    assert bench.call("c_1")["units"] == '{"audio_ms":36000,"file_searches":2}'
    again(bench, PriceTable(LISTING, parse_prices({"openai": {"gpt-5-mini": {"audio_hour": 1, "file_search": 5}}})))
    assert bench.call("c_1")["cost_nano_usd"] == 1_000_000 + 10_000_000 + 10_000_000


def test_what_the_provider_billed_stays_and_what_the_list_says_is_renewed_beside_it(bench: Bench) -> None:
    billed = Usage(input=1000, output=100, billed_nano_usd=777)
    record(bench, started("c_1"), ended("c_1", usage=billed, cost_nano_usd=777, computed_nano_usd=1))
    again(bench)
    call = bench.call("c_1")
    assert (call["cost_nano_usd"], call["computed_nano_usd"]) == (777, 2_000_000)
    assert call["price_source"] == "billed by the provider"


@pytest.mark.parametrize(
    "chosen",
    [
        Chosen(since_ns=START_NS + 1),
        Chosen(until_ns=START_NS),
        Chosen(provider="anthropic"),
        Chosen(model="gpt-5"),
    ],
)
def test_calls_that_were_not_chosen_stay_as_they_are(bench: Bench, chosen: Chosen) -> None:
    record(bench, started("c_1"), ended("c_1"))
    assert again(bench, chosen=chosen).calls == 0
    assert bench.call("c_1")["cost_nano_usd"] == 450


def test_calls_under_way_or_lost_or_replayed_and_tools_are_not_looked_at(bench: Bench) -> None:
    record(bench, started("c_1"))
    record(
        bench,
        *(started("c_2", kind="tool", model="search/find"), ended("c_2")),
        *(started("c_3"), ended("c_3", replay_of="c_0", usage=Usage(), cost_nano_usd=0)),
    )
    assert bench.call("c_1")["outcome"] == "unknown"  # its writer is gone
    assert again(bench).calls == 0


def test_many_calls_are_repriced_a_batch_at_a_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controlplane.recorder.repricing.CALLS_PER_BATCH", 3)
    records = [one for number in range(8) for one in (started(f"c_{number}"), ended(f"c_{number}"))]
    record(bench, *records)
    assert again(bench).changes["openai", "gpt-5-mini"].calls == 8
    assert bench.usage()["cost_nano_usd"] == 8 * 2_000_000


def test_a_call_of_a_provider_that_is_no_longer_configured_is_priced_by_its_name(bench: Bench) -> None:
    record(bench, started("c_1", at_ns=START_NS + SECOND_NS), ended("c_1"))
    reprice(bench.calls, TABLE, {}, Chosen())
    assert bench.call("c_1")["cost_nano_usd"] == 2_000_000
