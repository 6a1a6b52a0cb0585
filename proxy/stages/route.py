"""Route: which provider serves this model. So far only one that speaks the dialect the client speaks."""

from collections.abc import Sequence

from proxy.call import Call
from proxy.errors import Dialect, UnknownModel
from proxy.ports import Provider

_ENDPOINTS = {"openai": "/v1/chat/completions", "anthropic": "/v1/messages"}


def route(call: Call) -> None:
    """Sets the call's provider, and its model as that provider names it. Raises UnknownModel (404)."""
    call.provider, call.model = choose_provider(call.policy.providers, call.dialect, call.model)


def choose_provider(providers: Sequence[Provider], dialect: Dialect, model: str) -> tuple[Provider, str]:
    """By exact name, by the longest prefix, as `provider/model`, else the first provider that takes any model."""
    speaking = [provider for provider in providers if provider.dialect == dialect]
    if (listed := _most_specific(speaking, model)) is not None:
        return listed, model
    name, slash, rest = model.partition("/")
    if slash and rest:
        for provider in speaking:
            if provider.name == name:
                return provider, rest
    for provider in speaking:
        if "*" in provider.models:
            return provider, model
    raise _unknown(providers, dialect, model)


def _most_specific(providers: Sequence[Provider], model: str) -> Provider | None:
    best, length = None, 0
    for provider in providers:
        for pattern in provider.models:
            if pattern == model:
                return provider
            if len(pattern) > max(length, 1) and pattern[-1] == "*" and model.startswith(pattern[:-1]):
                best, length = provider, len(pattern)
    return best


def _unknown(providers: Sequence[Provider], dialect: Dialect, model: str) -> UnknownModel:
    name = model.partition("/")[0]
    others = [provider for provider in providers if provider.dialect != dialect]
    other = _most_specific(others, model) or next((provider for provider in others if provider.name == name), None)
    if other is not None:
        return UnknownModel(
            f"Model {model!r} is served by {other.name!r} only, which speaks the {other.dialect} dialect: "
            f"ask for it at {_ENDPOINTS[other.dialect]}."
        )
    return UnknownModel(f"No provider here serves model {model[:200]!r}. GET /v1/models lists what there is.")
