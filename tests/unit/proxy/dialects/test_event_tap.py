"""What is read from a translated answer is what is read from one that passes."""

import pytest

from proxy.canonical.events import MessageStarted, UsageReported
from proxy.dialects.event_tap import EventTap
from proxy.dialects.usage_only import read_usage
from proxy.records import Usage


@pytest.mark.parametrize(
    ("raw", "tier"),
    [
        ({"input_tokens": 1, "service_tier": "batch", "inference_geo": "us"}, "batch+us"),
        ({"promptTokenCount": 1, "trafficType": "ON_DEMAND_PRIORITY"}, "priority"),
        ({"prompt_tokens": 1}, "flex"),
        ({"input_tokens": 1, "total_tokens": 1}, "flex"),
        ({}, "flex"),
    ],
)
def test_the_tier_is_taken_from_the_account_where_it_stands_there(raw: dict[str, object], tier: str) -> None:
    tap = EventTap()
    tap.take(MessageStarted(model="m", rest={"service_tier": "flex"}))
    tap.take(UsageReported(Usage(input=1), raw))
    assert (tap.reading.service_tier, tap.reading.usage) == (tier, Usage(input=1))


def test_pictures_and_sound_that_were_made_are_counted_by_kind() -> None:
    reading = read_usage(
        b'{"usage":{"input_tokens":50,"output_tokens":4160,"input_tokens_details":{"text_tokens":10,"image_tokens":40},'
        b'"output_tokens_details":{"image_tokens":4160},"cost":0.17}}'
    )
    assert reading.usage == Usage(input=50, output=4160, image_input=40, image_output=4160, billed_nano_usd=170_000_000)
