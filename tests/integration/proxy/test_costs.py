"""What a call through the gateway costs: in its header, in its record, whole, streamed and translated."""

from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.integration.proxy.fake_provider import answering, streaming, whole
from tests.integration.proxy.running import proxied, request

USAGE = {
    "prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
    "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 0},
}  # fmt: skip
COMPUTED = 60 * 250 + 40 * 25 + 10 * 2000  # gpt-5-mini


def answer(usage: dict[str, Any], **members: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}
    return orjson.dumps(
        {"id": "c", "object": "chat.completion", "model": "gpt-5-mini", "choices": [choice], "usage": usage, **members}
    )


def stream(usage: dict[str, Any]) -> bytes:
    chunks = [
        {"id": "c", "model": "gpt-5-mini", "choices": [{"index": 0, "delta": {"content": "yes"}}]},
        {"id": "c", "model": "gpt-5-mini", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {"id": "c", "model": "gpt-5-mini", "choices": [], "usage": usage},
    ]
    return b"".join(b"data: %b\n\n" % orjson.dumps(chunk) for chunk in chunks) + b"data: [DONE]\n\n"


@pytest.mark.parametrize(
    ("bill", "cost", "source"),
    [
        ({}, COMPUTED, "genai-prices"),
        ({"cost": 0.0000123}, 12_300, "billed by the provider"),
        ({"cost_in_usd_ticks": 370_000}, 37_000, "billed by the provider"),
        ({"cost": {"total_cost": 0.005}}, 5_000_000, "billed by the provider"),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_the_providers_bill_goes_before_the_price_list_which_stands_beside_it(
    tmp_path: Path, bill: dict[str, Any], cost: int, source: str, is_stream: bool
) -> None:
    script = streaming([stream(USAGE | bill)]) if is_stream else answering(whole(answer(USAGE | bill)))
    async with proxied(tmp_path, script) as (_, proxy):
        response = await proxy.ask(request(model="gpt-5-mini", stream=is_stream))

    ended = proxy.sink.ended
    assert (ended["cost_nano_usd"], ended["computed_nano_usd"]) == (cost, COMPUTED)
    assert ended["price_source"].startswith(source)
    assert ended["usage"].get("billed_nano_usd") == (cost if bill else None)
    if not is_stream:
        assert response.headers["x-pointsman-cost-nano-usd"] == str(cost)


async def test_the_tier_that_answered_is_paid(tmp_path: Path) -> None:
    script = answering(whole(answer(USAGE, service_tier="flex")))
    async with proxied(tmp_path, script) as (_, proxy):
        await proxy.ask(request(model="gpt-5-mini"))
    ended = proxy.sink.ended
    assert (ended["service_tier"], ended["cost_nano_usd"] * 2) == ("flex", COMPUTED)


async def test_a_translated_call_costs_what_its_provider_counts(tmp_path: Path) -> None:
    asked = {"model": "gpt-5-mini", "max_tokens": 99, "messages": [{"role": "user", "content": "hi"}]}
    script = answering(whole(answer(USAGE | {"cost": 0.0000123})))
    async with proxied(tmp_path, script) as (_, proxy):
        response = await proxy.ask(orjson.dumps(asked), path="/v1/messages")
    usage = response.json["usage"]
    assert (usage["input_tokens"], usage["cache_read_input_tokens"], usage["output_tokens"]) == (60, 40, 10)
    ended = proxy.sink.ended
    assert (ended["cost_nano_usd"], ended["computed_nano_usd"]) == (12_300, COMPUTED)
