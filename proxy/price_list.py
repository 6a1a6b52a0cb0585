"""The price list of `genai-prices` as our own few structs: who matches a name, and which rates hold when.

Read from what `proxy/price_compiler.py` prints. Clauses are lists: `['or', [...]]`, `['starts_with', 'gpt-4o']`.
"""

import re
import subprocess
import sys
from collections.abc import Collection
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

COMPILE_SECONDS = 60
# Azure has both, and no flex: https://learn.microsoft.com/azure/foundry/openai/concepts/priority-processing (11/2026)
_RESOLD_TIERS = {"batch", "priority"}


class Rate(NamedTuple):
    """USD per unit, and the rates that apply to everything once the whole input is longer than their start."""

    base: Decimal
    tiers: tuple[tuple[int, Decimal], ...]

    def at(self, input_tokens: int) -> Decimal:
        rate = self.base
        for start, price in self.tiers:
            if input_tokens > start:
                rate = price
        return rate


Rates = dict[str, Rate]
Constraint = list[Any] | None  # ['date', '2026-08-17'], ['time', '01:00', '04:00'], ['all', [...], [...]], see `holds`


class ListedModel(msgspec.Struct, frozen=True):
    id: str
    match: list[Any]
    prices: list[tuple[Constraint, Rates]]
    tiers: list[tuple[str, Constraint, Rates]]  # by service tier, kind of processing or speed: what differs

    def resold(self) -> "ListedModel":
        """As another provider sells it: what that one charges for being slow is not known to be sold on."""
        return msgspec.structs.replace(self, tiers=[one for one in self.tiers if one[0] in _RESOLD_TIERS])

    def tiers_at(self, at: datetime, words: Collection[str]) -> tuple[int, ...]:
        """The places of the prices by tier that hold.

        The list knows a tier since somebody looked it up, not since it is sold: before, its first prices hold as long
        as the usual ones were the same.
        """
        found = [place for place, (name, when, _) in enumerate(self.tiers) if name in words and holds(when, at)]
        for word in set(words) - {self.tiers[place][0] for place in found}:
            dated = [
                (when[1], place)
                for place, (name, when, _) in enumerate(self.tiers)
                if name == word and when and when[0] == "date"
            ]
            if dated and self.standard_at(at) == self.standard_at(_noon(min(dated)[0])):
                found.append(min(dated)[1])
        return tuple(sorted(found))

    def standard_at(self, at: datetime) -> int:
        """The place of the last price whose condition holds, else of the first."""
        places = range(len(self.prices) - 1, -1, -1)
        return next((place for place in places if holds(self.prices[place][0], at)), 0)


class ListedProvider(msgspec.Struct, frozen=True, dict=True):
    id: str
    api_pattern: str
    provider_match: list[Any] | None
    model_match: list[Any] | None
    fallback: list[str]
    models: msgspec.Raw

    @cached_property
    def listed(self) -> list[ListedModel]:
        """Decoded when first asked for: most processes meet two providers of fifty."""
        return msgspec.json.decode(self.models, type=list[ListedModel])

    def with_resold(self, others: list[str]) -> "ListedProvider":
        """It sells the models of these as well."""
        return msgspec.structs.replace(self, fallback=[*self.fallback, *others]) if others else self

    def find(self, model: str) -> ListedModel | None:
        return next((one for one in self.listed if matches(one.match, model)), None)


class Listing(msgspec.Struct, frozen=True):
    version: str
    providers: list[ListedProvider]


def compile_listing() -> bytes:
    """The price list, made by a child process so that what makes it does not stay. Raises RuntimeError."""
    script = Path(__file__).with_name("price_compiler.py")
    done = subprocess.run(  # noqa: S603 - our own interpreter and our own file
        [sys.executable, str(script)], capture_output=True, timeout=COMPILE_SECONDS, check=False
    )
    if done.returncode:
        raise RuntimeError(f"the price list could not be read: {done.stderr.decode(errors='replace')[-500:]}")
    return done.stdout


def holds(constraint: Constraint, at: datetime) -> bool:
    """Of a moment in UTC: from a day on, between two times of every day, on weekdays (1 is Monday), but not on days."""
    if constraint is None:
        return True
    kind, *words = constraint
    if kind in {"all", "any"}:
        return (all if kind == "all" else any)(holds(one, at) for one in words)
    if kind == "date":
        return at.date() >= date.fromisoformat(words[0])
    if kind == "weekdays":
        return at.isoweekday() in words
    if kind == "but":
        return at.date().isoformat() not in words
    start, end = (_utc(text) for text in words)
    moment = at.time()
    return start <= moment < end if start <= end else moment >= start or moment < end


def _noon(day: str) -> datetime:
    return datetime.combine(date.fromisoformat(day), time(12), UTC)


def _utc(text: str) -> time:
    moment = time.fromisoformat(text)
    if moment.tzinfo is None:
        return moment
    return datetime.combine(date(1970, 1, 1), moment).astimezone(UTC).time()


def matches(clause: list[Any] | None, text: str) -> bool:
    if clause is None:
        return False
    name, value = clause
    if name in {"or", "and"}:
        return (any if name == "or" else all)(matches(one, text) for one in value)
    if name == "regex":
        return bool(re.search(value, text))
    wanted, text = value.lower(), text.lower()
    if name == "equals":
        return bool(text == wanted)
    if name == "contains":
        return wanted in text
    return bool(text.startswith(wanted) if name == "starts_with" else text.endswith(wanted))
