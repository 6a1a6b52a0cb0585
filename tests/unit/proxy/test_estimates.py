"""What a call is billed when its provider does not say, or not to the end."""

from typing import Any, cast

import pytest

from proxy.bookkeeping import MOST_PLAIN_BYTES, TOKENS_PER_FILE, billed_usage
from proxy.call import Call
from proxy.dialects.reading import Reading
from proxy.endpoints import Endpoint
from proxy.ports import Policy
from proxy.records import Usage
from proxy.said import Said

BODY = b"x" * 41
ESTIMATED_INPUT = 11  # of 41 bytes, four a token
SEEN = Usage(input=10, cache_read=50, output=3, audio_input=2, searches=1)
CHAT = Endpoint("/v1/chat/completions", "openai")


def call(where: Endpoint = CHAT, **found: Any) -> Call:
    """Of a client that is still there, answered with 200 by its provider; nothing is written for it."""
    nobody = cast("Any", None)
    said = Said(where, "POST", b"", [], {})
    made = Call(nobody, nobody, said, where, "openai", said.headers, "c_1", 1, Policy({}, {}, (), {}), body=BODY)
    for name, value in {"asked_ns": 1, "upstream_status": 200, "outcome": "ok", "error_code": "", **found}.items():
        setattr(made, name, value)
    return made


def read(usage: Usage | None = None, **found: Any) -> Reading:
    return Reading(usage=usage, **found)


@pytest.mark.parametrize(
    ("answered", "usage"),
    [
        (call(reading=read(SEEN)), SEEN),
        (call(reading=read(Usage(input=1, billed_nano_usd=9))), Usage(input=1, billed_nano_usd=9)),
        (call(reading=read(output_characters=9)), Usage(input=ESTIMATED_INPUT, output=3, is_estimated=True)),
        (call(reading=read()), Usage(input=ESTIMATED_INPUT, is_estimated=True)),
        (
            call(Endpoint("/v1/embeddings", "openai", "embed"), reading=read()),
            Usage(ESTIMATED_INPUT, is_estimated=True),
        ),
        (call(Endpoint("/v1/audio/speech", "openai", "other"), reading=read()), Usage(is_estimated=True)),
        (
            call(
                Endpoint("/v1/audio/speech", "openai", "other"), reading=read(), body=b'{"input":"Gr\\u00fc\xc3\x9fe"}'
            ),
            Usage(is_estimated=True, units={"characters": 5}),
        ),
        (
            call(Endpoint("/v1/images/edits", "openai", "other"), reading=read(), body=b'{"input":"x"}'),
            Usage(is_estimated=True),
        ),
        (call(Endpoint("/v1/messages/count_tokens", "anthropic", "count_tokens"), reading=read()), Usage()),
        (call(replay_of="c_0", reading=read(SEEN)), Usage()),
        (call(asked_ns=0), Usage()),
    ],
)
def test_a_good_answer_is_billed_what_it_says_or_an_estimate(answered: Call, usage: Usage) -> None:
    assert billed_usage(answered) == usage


@pytest.mark.parametrize("end", [{"outcome": "client_left"}, {"outcome": "truncated"}, {"outcome": "error"}])
def test_a_stream_that_ends_early_is_billed_what_was_seen_of_it_and_all_of_its_input(end: dict[str, Any]) -> None:
    broken = call(reading=read(output_characters=100), **end)
    assert billed_usage(broken) == Usage(input=ESTIMATED_INPUT, output=25, is_estimated=True)
    begun = call(reading=read(SEEN, output_characters=100), **end)
    assert billed_usage(begun) == Usage(
        input=10, cache_read=50, output=25, audio_input=2, searches=1, is_estimated=True
    )  # fmt: skip


def test_a_bill_that_was_told_on_the_way_is_not_the_last_one() -> None:
    broken = call(reading=read(Usage(input=1, output=1, billed_nano_usd=5)), outcome="client_left")
    assert billed_usage(broken) == Usage(input=1, output=1, is_estimated=True)


@pytest.mark.parametrize(
    ("failed", "usage"),
    [
        ({"outcome": "error", "upstream_status": 500, "reading": read()}, Usage()),
        ({"outcome": "error", "upstream_status": 0}, Usage()),
        ({"outcome": "error", "reading": read(error_code="overloaded_error")}, Usage()),
        ({"outcome": "client_left", "upstream_status": 0}, Usage(input=ESTIMATED_INPUT, is_estimated=True)),
        ({"outcome": "error", "upstream_status": 0, "is_cut": True}, Usage(input=ESTIMATED_INPUT, is_estimated=True)),
    ],
)
def test_a_call_that_failed_at_its_provider_is_free_and_one_that_was_given_up_is_not(
    failed: dict[str, Any], usage: Usage
) -> None:
    assert billed_usage(call(**failed)) == usage


def test_a_file_in_a_request_counts_as_a_picture_and_not_as_its_letters() -> None:
    picture = b'"image_url":"data:image/png;base64,' + b"iVBORw0KGgo" * 10_000 + b'=="'
    text = b'{"content":"' + b"a few words, " * (MOST_PLAIN_BYTES // 10) + b'",'
    answered = call(reading=read(), body=text + picture)
    rest = len(text) + len(b'"image_url":"data:image/png;base64,"')
    assert billed_usage(answered).input == TOKENS_PER_FILE + -(-rest // 4)
