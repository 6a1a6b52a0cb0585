"""The list of models at `GET /v1/models`, in the shape the caller's library expects."""

from typing import Any

from proxy.errors import Dialect
from proxy.ports import Policy, Provider
from proxy.pricing import PriceTable

_LONG_AGO = 0  # when a model was made is not known here, and clients sort by it at most


def list_models(policy: Policy, prices: PriceTable, dialect: Dialect) -> dict[str, Any]:
    """What may be asked for. OpenAI's shape names the models of every provider, Anthropic's those of its dialect."""
    found: dict[str, str] = {}
    for provider in policy.providers:
        if dialect == "openai" or provider.dialect == "anthropic":
            for name in _names(provider, prices):
                found.setdefault(name, provider.name)
    if dialect == "anthropic":
        return _anthropic(list(found))
    data = [{"id": name, "object": "model", "created": _LONG_AGO, "owned_by": owner} for name, owner in found.items()]
    return {"object": "list", "data": data}


def _names(provider: Provider, prices: PriceTable) -> list[str]:
    """The configured names; for a pattern, what the price list knows to match it."""
    exact = [name for name in provider.models if not name.endswith("*")]
    prefixes = tuple(name[:-1] for name in provider.models if name.endswith("*"))
    known = prices.known_models(provider) if prefixes else []
    return exact + [name for name in known if name.startswith(prefixes)]


def _anthropic(names: list[str]) -> dict[str, Any]:
    data = [{"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"} for name in names]
    return {
        "data": data,
        "has_more": False,
        "first_id": names[0] if names else None,
        "last_id": names[-1] if names else None,
    }
