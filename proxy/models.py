"""The list of models at `GET /v1/models`, in the shape the caller's library expects. Any model serves any dialect."""

from typing import Any

from proxy.errors import Dialect, UnknownModel
from proxy.ports import Policy, Provider
from proxy.pricing import PriceTable
from proxy.simulated.names import MODELS as SIMULATED

_LONG_AGO = 0  # when a model was made is not known here, and clients sort by it at most
_GEMINI_METHODS = ["generateContent", "streamGenerateContent", "countTokens"]


def list_models(policy: Policy, prices: PriceTable, dialect: Dialect) -> dict[str, Any]:
    """What may be asked for."""
    found = _find(policy, prices)
    data = [_render(name, owner, dialect) for name, owner in found.items()]
    if dialect == "gemini":
        return {"models": data}
    if dialect == "anthropic":
        names = list(found)
        return {
            "data": data,
            "has_more": False,
            "first_id": names[0] if names else None,
            "last_id": names[-1] if names else None,
        }
    return {"object": "list", "data": data}


def describe_model(policy: Policy, prices: PriceTable, dialect: Dialect, name: str) -> dict[str, Any]:
    """One of them. Raises UnknownModel (404)."""
    owner = _find(policy, prices).get(name)
    if owner is None:
        raise UnknownModel(f"No provider here names a model {name[:200]!r}. GET /v1/models lists what there is.")
    return _render(name, owner, dialect)


def _find(policy: Policy, prices: PriceTable) -> dict[str, str]:
    """Model → provider, the first of several."""
    found: dict[str, str] = {}
    for provider in policy.providers:
        for name in _names(provider, prices):
            found.setdefault(name, provider.name)
    return found


def _names(provider: Provider, prices: PriceTable) -> list[str]:
    """The configured names; for a pattern, what the price list knows to match it."""
    exact = [name for name in provider.models if not name.endswith("*")]
    prefixes = tuple(name[:-1] for name in provider.models if name.endswith("*"))
    known: list[str] = []
    if prefixes:
        known = list(SIMULATED) if provider.is_simulated else prices.known_models(provider)
    return exact + [name for name in known if name.startswith(prefixes)]


def _render(name: str, owner: str, dialect: Dialect) -> dict[str, Any]:
    if dialect == "anthropic":
        return {"type": "model", "id": name, "display_name": name, "created_at": "1970-01-01T00:00:00Z"}
    if dialect == "gemini":
        return {"name": f"models/{name}", "displayName": name, "supportedGenerationMethods": _GEMINI_METHODS}
    return {"id": name, "object": "model", "created": _LONG_AGO, "owned_by": owner}
