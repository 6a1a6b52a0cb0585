"""Prints the price list as JSON: `python price_compiler.py`. Run as a child process at start-up, never imported there.

`genai_prices` brings pydantic and 40 MB with it; what a proxy needs of it are 500 KB of text. Killed half-way: the
parent sees no JSON and says so; nothing is kept. `proxy/price_list.py` reads it; prices stay decimal strings.
"""

import json
import sys
from typing import Any

from genai_prices import __version__, types
from genai_prices.data import providers

# The units that `records.Usage` can fill; the list has more (pixels, messages of a voice session).
KEYS = (
    "input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok", "cache_write_5m_mtok", "cache_write_1h_mtok",
    "input_audio_mtok", "output_audio_mtok", "input_image_mtok", "output_image_mtok", "cache_audio_read_mtok",
    "output_reasoning_mtok", "output_citation_mtok", "requests_kcount", "web_searches_kcount",
    "input_video_mtok", "output_video_mtok", "cache_image_read_mtok", "audio_hours", "input_audio_hours",
    "input_mchars", "storage_searches_kcount", "input_document_kpages", "input_annotated_document_kpages",
)  # fmt: skip
# What an answer says of itself in one word: `flex`, `batch`, `fast`.
CONTEXTS = ("service_tier", "processing", "speed")


def compiled() -> dict[str, Any]:
    """The whole list: providers with the clauses that find them and their models."""
    return {"version": __version__, "providers": [_provider(one) for one in providers]}


def _provider(provider: types.Provider) -> dict[str, Any]:
    return {
        "id": provider.id,
        "api_pattern": provider.api_pattern,
        "provider_match": _clause(provider.provider_match),
        "model_match": _clause(provider.model_match),
        "fallback": provider.fallback_model_providers or [],
        "models": [_model(one) for one in provider.models],
    }


def _model(model: types.ModelInfo) -> dict[str, Any]:
    prices = model.prices
    standard = [types.ConditionalPrice(prices=prices)] if isinstance(prices, types.ModelPrice) else prices
    variants = [
        (word, one)
        for one in model.price_variants or []
        for name, word in one.when.items()
        if len(one.when) == 1 and name in CONTEXTS
    ]
    return {
        "id": model.id,
        "match": _clause(model.match),
        "prices": [[_constraint(one.constraint), _prices(one.prices)] for one in standard],
        "tiers": [[word, _constraint(one.constraint), _prices(one.prices)] for word, one in variants],
    }


def _prices(prices: types.ModelPrice) -> dict[str, Any]:
    found = {key: prices.__dict__.get(key) for key in KEYS}
    return {key: _price(price) for key, price in found.items() if price is not None}


def _price(price: Any) -> Any:
    if isinstance(price, types.TieredPrices):
        return [str(price.base), [[tier.start, str(tier.price)] for tier in price.tiers]]
    return [str(price), []]


def _constraint(constraint: Any) -> Any:
    if isinstance(constraint, types.StartDateConstraint):
        return ["date", constraint.start_date.isoformat()]
    if isinstance(constraint, types.TimeOfDateConstraint):
        return ["time", constraint.start_time.isoformat(), constraint.end_time.isoformat()]
    return None


def _clause(clause: Any) -> Any:
    """A clause as a list: ['or', [...]], ['and', [...]] or ['starts_with', text]."""
    if clause is None:
        return None
    ((name, value),) = vars(clause).items()
    return [name.rstrip("_"), [_clause(one) for one in value] if isinstance(value, list) else value]


if __name__ == "__main__":
    sys.stdout.write(json.dumps(compiled(), separators=(",", ":")))
