"""Prices of one's own, before those of the list: the `prices:` section of the configuration.

prices:
  openai:                                  # a provider of `providers:`
    gpt-5-mini: {input: 0.20, output: 1.60}  # USD per million tokens; what is not named stays as listed
    "llama-*":                             # a name may end with *; an exact one goes first, then the longest
    - {input: 0.10, output: 0.30}
    - {from: 2027-01-01, input: 0.12}      # from this day on, UTC
    - {above: 200000, input: 0.24}         # for all tokens of a call whose whole input is longer
    - {tier: batch, input: 0.05, output: 0.15}  # when the answer says flex, priority, fast, batch
    - {hours: "01:00-04:00", days: Mon-Fri, but: [2026-10-01], input: 0.20}  # in UTC; several hours as a list

Also `cache_read`, `cache_write` (five minutes), `cache_write_1h`, `reasoning`, `audio_input`, `audio_output`,
`audio_cache_read`, `image_input`, `image_output`, `image_cache_read`, `video_input`, `video_output`, `citation` and
`character`; in USD per thousand `request`, `search`, `file_search`, `page` and `annotated_page`; and `audio_hour`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from proxy.config import ConfigError
from proxy.price_list import Constraint, Rate, Rates

_UNITS = {
    "input": "input_mtok", "output": "output_mtok", "cache_read": "cache_read_mtok", "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok", "reasoning": "output_reasoning_mtok", "audio_input": "input_audio_mtok",
    "audio_output": "output_audio_mtok", "audio_cache_read": "cache_audio_read_mtok",
    "image_input": "input_image_mtok", "image_output": "output_image_mtok", "citation": "output_citation_mtok",
    "request": "requests_kcount", "search": "web_searches_kcount", "video_input": "input_video_mtok",
    "video_output": "output_video_mtok", "image_cache_read": "cache_image_read_mtok", "audio_hour": "input_audio_hours",
    "character": "input_mchars", "file_search": "storage_searches_kcount", "page": "input_document_kpages",
    "annotated_page": "input_annotated_document_kpages",
}  # fmt: skip
_CONDITIONS = ("from", "hours", "days", "but", "above", "tier")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d")


class Override(NamedTuple):
    """One line of it."""

    when: Constraint
    above: int
    tier: str
    prices: Mapping[str, Decimal]  # by the list's units
    since: str = ""  # the day that `when` begins with

    @property
    def is_at_times(self) -> bool:
        """Comes and goes, by the clock or the calendar."""
        return self.when is not None and self.when != ["date", self.since]

    def over(self, rates: Rates) -> Rates:
        """The rates with these instead of their own."""
        if not self.above:
            return {**rates, **{unit: Rate(price, ()) for unit, price in self.prices.items()}}
        changed = dict(rates)
        for unit, price in self.prices.items():
            base, tiers = rates.get(unit, Rate(Decimal(0), ()))
            kept = tuple(tier for tier in tiers if tier[0] < self.above)
            changed[unit] = Rate(base, (*kept, (self.above, price)))
        return changed


@dataclass(frozen=True, slots=True)
class PriceOverrides:
    """By provider and by model name or pattern."""

    by_provider: Mapping[str, Mapping[str, tuple[Override, ...]]] = field(default_factory=dict)

    def find(self, provider: str, model: str) -> tuple[Override, ...]:
        """Those of the exact name, else of the longest pattern that fits it."""
        models = self.by_provider.get(provider)
        if not models:
            return ()
        if model in models:
            return models[model]
        fitting = [name for name in models if name.endswith("*") and model.startswith(name[:-1])]
        return models[max(fitting, key=len)] if fitting else ()


NO_OVERRIDES = PriceOverrides()


def parse_prices(section: Any) -> PriceOverrides:
    """The `prices:` section. Raises ConfigError."""
    if section is None:
        return NO_OVERRIDES
    return PriceOverrides(
        {
            provider: {
                model.lower(): _lines(lines, f"prices.{provider}.{model}")
                for model, lines in _mapping(models, f"prices.{provider}").items()
            }
            for provider, models in _mapping(section, "prices").items()
        }
    )


def _lines(value: Any, place: str) -> tuple[Override, ...]:
    """In the order in which they take hold: by day, then the general before the particular."""
    found = value if isinstance(value, list) else [value]
    lines = [_override(line, f"{place}[{number}]") for number, line in enumerate(found)]
    return tuple(sorted(lines, key=lambda one: (one.since, one.is_at_times, bool(one.tier), one.above)))


def _override(value: Any, place: str) -> Override:
    line = _mapping(value, place)
    unknown = sorted(set(line) - set(_UNITS) - set(_CONDITIONS))
    if unknown:
        raise ConfigError(f"{place}: {unknown[0]!r} is not known there; known are {', '.join((*_CONDITIONS, *_UNITS))}")
    prices = {_UNITS[name]: _price(price, f"{place}.{name}") for name, price in line.items() if name in _UNITS}
    if not prices:
        raise ConfigError(f"{place}: names no price")
    above, tier = line.get("above", 0), line.get("tier", "")
    if type(above) is not int or above < 0:
        raise ConfigError(f"{place}.above: must be a number of tokens, not {above!r}")
    if not isinstance(tier, str):
        raise ConfigError(f"{place}.tier: must be a word, not {tier!r}")
    since = _day(line["from"], f"{place}.from") if line.get("from") is not None else ""
    conditions = [["date", since]] if since else []
    conditions += _times(line, place)
    when = ["all", *conditions] if len(conditions) > 1 else next(iter(conditions), None)
    return Override(when, above, tier, prices, since)


def _times(line: Mapping[str, Any], place: str) -> list[list[Any]]:
    """When in the day and in the week."""
    found: list[list[Any]] = []
    if hours := _several(line.get("hours")):
        if not all(isinstance(one, str) and _HOURS.fullmatch(one) for one in hours):
            raise ConfigError(f"{place}.hours: must be like '01:00-04:00', in UTC, not {line['hours']!r}")
        found.append(["any", *(["time", *one.split("-")] for one in hours)])
    if days := line.get("days"):
        first, _, last = str(days).lower().partition("-")
        if first not in _WEEKDAYS or (last or first) not in _WEEKDAYS:
            raise ConfigError(f"{place}.days: must be like Sat or Mon-Fri, not {days!r}")
        start, count = _WEEKDAYS.index(first), _WEEKDAYS.index(last or first) - _WEEKDAYS.index(first)
        found.append(["weekdays", *((start + one) % 7 + 1 for one in range(count % 7 + 1))])
    if but := _several(line.get("but")):
        found.append(["but", *(_day(one, f"{place}.but") for one in but)])
    return found


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _day(value: Any, place: str) -> str:
    try:
        return (value if isinstance(value, date) else date.fromisoformat(value)).isoformat()[:10]
    except (TypeError, ValueError):
        raise ConfigError(f"{place}: must be a day like 2027-01-01, not {value!r}") from None


def _price(value: Any, place: str) -> Decimal:
    """A number of the file or a text; of a float what is written there, not what is stored."""
    try:
        price = Decimal("NaN") if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise ConfigError(f"{place}: must be USD, 0 or more, not {value!r}")
    return price


def _mapping(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise ConfigError(f"{place}: must be a mapping of names, not {value!r:.80}")
    return value
