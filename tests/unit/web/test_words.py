"""Figures and times as the design writes them."""

from datetime import UTC

import pytest

from web import words

NOON_MS = 1_794_571_200_000


@pytest.mark.parametrize(
    ("nano_usd", "text"),
    [
        (0, "$0.00"),
        (1, "<$0.0001"),
        (99_999, "<$0.0001"),
        (400_000, "$0.0004"),
        (5_295_000, "$0.005"),
        (71_000_000, "$0.071"),
        (230_000_000, "$0.23"),
        (1_840_000_000, "$1.84"),
        (1_234_567_000_000, "$1,234.57"),
    ],
)
def test_money_is_short_but_a_small_call_does_not_look_free(nano_usd: int, text: str) -> None:
    assert words.dollars(nano_usd) == text


def test_the_value_of_money_is_exact_to_the_nano_dollar() -> None:
    assert words.exact_dollars(5_295_001) == "0.005295001"


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (-5, "0 s"),
        (59_999, "59 s"),
        (60_000, "1 min"),
        (2_040_000, "34 min"),
        (7_200_000, "2 h"),
        (86_400_000, "1 day"),
    ],
)
def test_an_age_is_one_unit_rounded_down(milliseconds: int, text: str) -> None:
    assert words.duration(milliseconds) == text


def test_a_moment_of_another_day_says_the_day() -> None:
    assert words.clock(NOON_MS, NOON_MS, UTC) == "12:00"
    assert words.clock(NOON_MS - 86_400_000, NOON_MS, UTC) == "12 Nov 12:00"


def test_the_day_begins_at_midnight_of_the_zone() -> None:
    assert words.midnight_ms(NOON_MS, UTC) == NOON_MS - 12 * 3_600_000


@pytest.mark.parametrize(
    ("name", "text"), [("Maya Lind", "ML"), ("Admin", "A"), ("", "?"), ("Jean-Luc de Vries", "JV")]
)
def test_a_person_s_plate_shows_initials(name: str, text: str) -> None:
    assert words.initials(name) == text
