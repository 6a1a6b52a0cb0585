"""When a provider wants to be asked again: every form in which one is known to say it (November 2026).

From the clearest to the vaguest:

    retry-after-ms: 1200, x-ms-retry-after-ms: 1200         OpenAI, Azure
    retry-after: 3 | Wed, 21 Oct 2026 07:28:00 GMT          RFC 9110 §10.2.3, everybody
    {"@type": "…google.rpc.RetryInfo", "retryDelay": "34s"} Google, only in the body
    {"retry_after": 3}, {"estimated_time": 20.0}            proxies, Hugging Face
    "Please try again in 1m2.5s", "retry after 26 seconds"  OpenAI, Groq, Azure, only in the sentence
    x-ratelimit-reset-requests: 1m30.5s                     OpenAI, Groq; x-ratelimit-reset: seconds or an epoch
    anthropic-ratelimit-tokens-reset: 2026-11-21T18:00:00Z  RFC 3339; the same limit's `-remaining` says if it is spent

The last two stand on healthy answers too: ask only about an answer that is worth a retry.
"""

import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

EPOCH_FROM = 1_000_000_000  # a "duration" of more than 31 years is a point in time (2001 and later)
EPOCH_MS_FROM = 1_000_000_000_000
LARGEST_BODY = 256 * 1024  # an error's body is small; nobody hides a hint in more

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001, "µs": 0.000001}
_PIECE = re.compile(r"(\d+(?:\.\d+)?)(d|h|ms|m|us|µs|s)")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:d|h|ms|m|us|µs|s))+")
_SENTENCE = re.compile(
    r"(?:try again|retry|wait)\D{0,24}?"
    r"((?:\d+(?:\.\d+)?(?:d|h|ms|m|us|µs|s)(?![a-z]))+|(\d+(?:\.\d+)?) ?(second|minute|hour|millisecond))",
    re.IGNORECASE,
)
_WORDS = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "millisecond": 0.001}
_RESET = re.compile(r"(x-ratelimit|anthropic-ratelimit|ratelimit)(-[a-z-]+?)??-reset(-[a-z-]+)?$")


def retry_after_seconds(headers: Mapping[str, str], body: object = b"", now: float = 0.0) -> float | None:
    """Seconds to wait, None if nothing is said. Header names in lower case; `body` as bytes or as JSON value.

    A point in time is measured from the answer's own `date`, else from `now` (seconds since the epoch; 0: unknown,
    then points in time tell nothing).
    """
    said_at = _instant(headers.get("date", "")) or now
    value = _loaded(body)
    for hint in (_from_headers(headers, said_at), _from_body(value, said_at), _from_sentence(value)):
        if hint is not None:
            return hint
    return _from_limits(headers, said_at)


def parse_duration(text: str) -> float | None:
    """Seconds of '1m30.5s', '20ms', '34.07s'; None for anything else."""
    text = text.strip()
    if not _DURATION.fullmatch(text):
        return None
    return sum(float(count) * _UNITS[unit] for count, unit in _PIECE.findall(text))


def _from_headers(headers: Mapping[str, str], said_at: float) -> float | None:
    for name in ("retry-after-ms", "x-ms-retry-after-ms"):
        milliseconds = _number(headers.get(name, ""))
        if milliseconds is not None:
            return milliseconds / 1000
    return _wait(headers.get("retry-after", ""), said_at)


def _wait(text: str, said_at: float) -> float | None:
    """From a duration in seconds or with units, or from a point in time in any form."""
    number = _number(text)
    if number is None:
        number = parse_duration(text)
        if number is not None:
            return number
        number = _instant(text)
        return None if number is None or not said_at else max(0.0, number - said_at)
    if number < EPOCH_FROM:
        return number
    if number >= EPOCH_MS_FROM:
        number /= 1000
    return max(0.0, number - said_at) if said_at else None


def _from_body(value: Any, said_at: float) -> float | None:
    for found in _objects(value):
        delay = found.get("retryDelay")
        if isinstance(delay, str):
            return parse_duration(delay)
        for name in ("retry_after", "retry_after_seconds", "estimated_time"):
            hint = found.get(name)
            if isinstance(hint, int | float | str) and not isinstance(hint, bool):
                return _wait(str(hint), said_at)
        inner = found.get("headers")  # OpenRouter hands on those of the provider behind it
        if isinstance(inner, dict):
            lowered = {str(name).lower(): str(text) for name, text in inner.items()}
            hint = _from_headers(lowered, said_at)
            return hint if hint is not None else _from_limits(lowered, said_at)
    return None


def _from_sentence(value: Any) -> float | None:
    sentences = [value] if isinstance(value, str) else [found.get("message") for found in _objects(value)]
    for sentence in sentences:
        match = _SENTENCE.search(sentence) if isinstance(sentence, str) else None
        if match is not None:
            if match[2]:
                return float(match[2]) * _WORDS[match[3].lower()]
            return parse_duration(match[1].lower())
    return None


def _from_limits(headers: Mapping[str, str], said_at: float) -> float | None:
    """The longest wait among limits that are spent; the shortest of all when none of them says so."""
    spent: list[float] = []
    others: list[float] = []
    for name, text in headers.items():
        match = _RESET.match(name)
        wait = _wait(text, said_at) if match else None
        if wait is None:
            continue
        remaining = _number(headers.get(name.replace("-reset", "-remaining"), ""))
        (spent if remaining == 0 else others).append(wait)
    return max(spent) if spent else min(others, default=None)


def _objects(value: Any, depth: int = 6) -> Iterator[dict[str, Any]]:
    """Every object in the body, outermost first."""
    if isinstance(value, dict):
        yield value
    if depth:
        for member in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            yield from _objects(member, depth - 1)


def _loaded(body: object) -> Any:
    if not isinstance(body, bytes | bytearray | memoryview):
        return body
    text = bytes(body[:LARGEST_BODY])
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text.decode("utf-8", "replace")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _instant(text: str) -> float | None:
    """Seconds since the epoch of an HTTP date or an RFC 3339 one."""
    try:
        moment = datetime.fromisoformat(text) if text[:4].isdigit() else parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
