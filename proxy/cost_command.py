"""`python -m proxy cost --provider P --model M --at DATE < usage.json`: what a call cost, without any network.

Standard input is what the provider said: its usage object, a whole answer, or a stream as it was sent. It asks nobody
and writes nothing; killed, it has printed its one line or none.
"""

import argparse
import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import yaml

from proxy.config import ConfigError
from proxy.dialects.billed import billed_usd
from proxy.dialects.reading import member
from proxy.ports import Provider
from proxy.price_list import compile_listing
from proxy.price_overrides import NO_OVERRIDES, PriceOverrides, parse_prices
from proxy.pricing import PriceTable, billed_or_computed
from proxy.providers.registry import find_known
from proxy.records import Usage
from proxy.tariffs import SCALE
from proxy.usage import Account, read_account

ENDED_WELL, BAD_INPUT = 0, 2
_NANO = 10**9
_DIGITS_OF_SECONDS = 9  # since 1973; a day written as 20261121 has one less
# What other tools call a provider whose name in the price list does not follow from it.
_ELSEWHERE = {
    "azure_openai": "azure", "azure-openai": "azure", "azure_ai": "azure", "fireworks_ai": "fireworks",
    "fireworks-ai": "fireworks", "togetherai": "together", "perplexity-ai": "perplexity", "grok": "xai",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--provider", required=True, help="as in the configuration: openai, anthropic, bedrock …")
    parser.add_argument("--model", default="", help="as it was asked for; else what the answer says")
    parser.add_argument("--at", default="", help="when it was asked: a day, a time (UTC unless it says), or now")
    parser.add_argument("--tier", default="", help="flex, priority, fast, batch; else what the answer says")
    parser.add_argument("--searches", type=int, default=0, help="web searches, where the usage does not count them")
    parser.add_argument("--config", type=Path, help="a YAML file whose `prices:` go before the list")


def run(options: argparse.Namespace) -> int:
    """One line of JSON on standard output."""
    try:
        at_ns = moment_ns(options.at)
        overrides = _overrides(options.config)
    except (ValueError, OSError, yaml.YAMLError) as error:
        return _fail(str(error))
    account = read_account(sys.stdin.read())
    if account is None:
        return _fail("standard input holds no usage that any provider is known to write")
    if options.searches:
        usage = msgspec.structs.replace(account.usage, searches=options.searches)
        account = account._replace(usage=usage)
    table = PriceTable(compile_listing(), overrides)
    answer = price(table, options.provider, options.model, account, at_ns, options.tier)
    print(json.dumps(answer))  # noqa: T201 - a command line speaks to its user
    return ENDED_WELL


def price(
    table: PriceTable, provider_name: str, model: str, account: Account, at_ns: int, tier: str = ""
) -> dict[str, Any]:
    """What the command prints. `usd` is exact: neither rounded to nano-USD nor a binary fraction."""
    provider = as_provider(provider_name)
    models = [name for name in (model, account.model) if name]
    computed = table.cost_of_call(provider, models, account.usage, at_ns, tier or account.service_tier)
    cost = billed_or_computed(account.usage, computed)
    exact = Decimal(computed.exact) / (SCALE * _NANO)
    billed = _billed(account)
    return {
        "nano_usd": cost.nano_usd,
        "usd": _written(exact if billed is None else billed),
        "is_priced": cost.is_priced,
        "price_source": cost.source,
        "billed_nano_usd": account.usage.billed_nano_usd,
        "computed_nano_usd": computed.nano_usd if computed.is_priced else None,
        "computed_usd": _written(exact) if computed.is_priced else None,
        "computed_source": computed.source,
        "computed_parts": computed.parts or {},
        "service_tier": tier or account.service_tier,
        "usage": counts(account.usage),
    }


def as_provider(name: str) -> Provider:
    """As the configuration would make it of its name alone."""
    known = find_known(_ELSEWHERE.get(name.lower(), name.lower()))
    if known is None:
        return Provider(name, "openai", "")
    return Provider(name, known.dialect, "", price_provider=known.price_provider or known.name)


def counts(usage: Usage) -> dict[str, Any]:
    """All of them, those that are zero too."""
    return {name: getattr(usage, name) for name in usage.__struct_fields__}


def moment_ns(text: str) -> int:
    """Nanoseconds since the epoch of a day or a time in ISO 8601, or of that many seconds; '' is now."""
    if not text:
        return int(datetime.now(UTC).timestamp() * _NANO)
    if text.isdigit() and len(text) >= _DIGITS_OF_SECONDS:
        return int(text) * _NANO
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError(f"--at: must be like 2026-11-21 or 2026-11-21T18:30:00Z, not {text!r}") from None
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * _NANO


def _billed(account: Account) -> Decimal | None:
    raw = account.raw
    if account.usage.billed_nano_usd is None:
        return None
    return billed_usd(raw.get("cost"), raw.get("cost_in_usd_ticks"), member(raw, "cost_details"), raw.get("is_byok"))


def _overrides(config: Path | None) -> PriceOverrides:
    if config is None:
        return NO_OVERRIDES
    document = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
    if not isinstance(document, dict):
        raise ConfigError(f"{config}: must be a mapping")
    return parse_prices(document.get("prices"))


def _written(usd: Decimal) -> str:
    """Without an exponent and without zeros that say nothing."""
    text = f"{usd:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _fail(sentence: str) -> int:
    print(f"proxy: {sentence}", file=sys.stderr)  # noqa: T201 - a command line speaks to its user
    return BAD_INPUT
