import pytest

from proxy.wire.retry_hints import parse_duration, retry_after_seconds

DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "7s"}, 7.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:28:20 GMT", "date": DATE}, 20.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:27:00 GMT", "date": DATE}, 0.0),
        ({"retry-after-ms": "1200", "retry-after": "2"}, 1.2),
        ({"x-ms-retry-after-ms": "250"}, 0.25),
        ({"x-ratelimit-reset": "12"}, 12.0),
        ({"x-ratelimit-reset": "1792567690", "date": DATE}, 10.0),
        ({"x-ratelimit-reset": "1792567690500", "date": DATE}, 10.5),
        ({"x-ratelimit-reset-requests": "1m30.5s", "x-ratelimit-remaining-requests": "0"}, 90.5),
        ({"x-ratelimit-reset-after": "4"}, 4.0),
        ({"anthropic-ratelimit-tokens-reset": "2026-10-21T07:28:30Z", "date": DATE}, 30.0),
    ],
)
def test_a_hint_in_a_header_is_read(headers: dict[str, str], seconds: float) -> None:
    assert retry_after_seconds(headers) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b'{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.07s"}]}}', 34.07),
        (b'[{"error":{"details":[{"retryDelay":"2s"}]}}]', 2.0),
        (b'{"error":{"message":"Rate limit reached for gpt-4o. Please try again in 1.2s. Visit"}}', 1.2),
        (b'{"error":{"message":"Please try again in 20ms."}}', 0.02),
        (b'{"error":{"message":"Please try again in 2m59.56s."}}', 179.56),
        (b'{"error":{"message":"Please try again in 1h2m3s."}}', 3723.0),
        (b'{"error":{"message":"Please retry after 26 seconds."}}', 26.0),
        (b'{"error":{"message":"Please retry in 34.5s."}}', 34.5),
        (b"Too many requests, please wait 3 minutes", 180.0),
        (b'{"error":"Model is loading","estimated_time":20.0}', 20.0),
        (b'{"error":{"metadata":{"headers":{"X-RateLimit-Reset":"1792567690000","X-RateLimit-Remaining":"0"}}}}', 10.0),
    ],
)
def test_a_hint_in_the_body_is_read(body: bytes, seconds: float) -> None:
    assert retry_after_seconds({"date": DATE}, body) == pytest.approx(seconds)


def test_the_wait_is_for_the_limit_that_is_spent() -> None:
    headers = {
        "x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "499",
        "x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "0",
    }  # fmt: skip
    assert retry_after_seconds(headers) == 360
    assert retry_after_seconds({**headers, "x-ratelimit-remaining-tokens": "12"}) == 1


def test_what_the_provider_says_of_this_call_comes_before_its_limits() -> None:
    headers = {"x-ratelimit-reset-tokens": "6m0s", "x-ratelimit-remaining-tokens": "0"}
    assert retry_after_seconds(headers, b'{"error":{"message":"Please try again in 2s."}}') == 2


def test_a_point_in_time_without_a_clock_tells_nothing_and_with_one_it_does() -> None:
    headers = {"retry-after": "Wed, 21 Oct 2026 07:28:20 GMT"}
    assert retry_after_seconds(headers) is None
    assert retry_after_seconds(headers, now=1792567690.0) == 10


@pytest.mark.parametrize("text", ["", "soon", "-3", "nan", "inf", "2026-99-99T00:00:00Z", "9" * 400])
def test_nonsense_is_no_hint(text: str) -> None:
    assert retry_after_seconds({"retry-after": text}, b"<html>502</html>") is None


@pytest.mark.parametrize("text", ["", "5", "5 apples", "m5"])
def test_what_is_no_duration_is_none(text: str) -> None:
    assert parse_duration(text) is None
