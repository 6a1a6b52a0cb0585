"""Route: which provider serves this model, and in which dialect it is asked."""

from collections.abc import Sequence
from typing import NamedTuple

from proxy.call import Call
from proxy.dialects.embeddings.codecs import EMBEDDING_DIALECTS
from proxy.endpoints import Endpoint
from proxy.errors import NO_MODEL, Dialect, UnknownModel
from proxy.memo import keep
from proxy.ports import Provider
from proxy.providers.registry import dialect_for, known_of

MOST_REMEMBERED = 2048  # names of models come from clients


class Route(NamedTuple):
    provider: Provider
    model: str  # as the provider names it
    asked: Dialect  # what the provider is asked in


class Routes:
    """Routes that were found, for as long as the same providers are configured: to look anew takes 6 µs of 100."""

    def __init__(self) -> None:
        self._providers: Sequence[Provider] = ()
        self._found: dict[tuple[Dialect, str], Route] = {}

    def find(self, providers: Sequence[Provider], dialect: Dialect, model: str) -> Route:
        """For a call that is answered by a model. Raises UnknownModel (404)."""
        if providers is not self._providers:
            self._providers = providers
            self._found.clear()
        route = self._found.get((dialect, model))
        if route is None:
            provider, as_named = choose_provider(providers, dialect, model)
            route = Route(provider, as_named, dialect_for(provider, dialect, as_named))
            keep(self._found, (dialect, model), route, MOST_REMEMBERED)
        return route


def route(call: Call) -> None:
    """Sets provider, its dialect, and the model as it names it. Raises UnknownModel (404)."""
    where = call.where
    providers: Sequence[Provider] = call.policy.providers
    name = call.said.provider
    if name is not None:
        providers = _named(providers, name.decode("latin-1"))
    if where.operation in {"embed", "other"} or not call.model:
        providers = _passing(providers, where)
        call.provider, call.model = choose_provider(providers, call.dialect, call.model, is_any=not call.model)
        call.asked = call.dialect if passes(call.provider, where) else call.provider.dialect
    elif name is None:
        call.provider, call.model, call.asked = call.shared.routes.find(providers, call.dialect, call.model)
    else:
        call.provider, call.model = choose_provider(providers, call.dialect, call.model)
        call.asked = dialect_for(call.provider, call.dialect, call.model)


def choose_provider(
    providers: Sequence[Provider], dialect: Dialect, model: str, *, is_any: bool = False
) -> tuple[Provider, str]:
    """By exact name, by the longest prefix, as `provider/model`, else the first provider that takes any model.

    Of several that are named as exactly, one that speaks the caller's dialect, else the first: what passes as it is
    loses nothing. `is_any`: no model is named, and none is needed.
    """
    speaking: list[Provider] = []
    others: list[Provider] = []
    for provider in providers:
        (speaking if provider.dialect == dialect or dialect in provider.speaks else others).append(provider)
    if is_any and providers:
        return (speaking or others)[0], model
    listed, length = _most_specific(speaking, model)
    if others:
        other, other_length = _most_specific(others, model)
        listed = other if other_length > length else listed
    if listed is not None:
        return listed, model
    candidates = [*speaking, *others]
    name, _, rest = model.partition("/")
    if rest and (named := next((one for one in candidates if one.name == name), None)) is not None:
        return named, rest
    if (first := next((one for one in candidates if "*" in one.models), None)) is not None:
        return first, model
    raise UnknownModel(f"No provider here serves model {model[:200]!r}. GET /v1/models lists what there is.")


def passes(provider: Provider, where: Endpoint) -> bool:
    """Does the provider know this endpoint in the client's own form?"""
    if provider.dialect == where.dialect or where.dialect in provider.speaks:
        return True
    return where.dialect == "openai" and where.tail in known_of(provider).passes


def _passing(providers: Sequence[Provider], where: Endpoint) -> Sequence[Provider]:
    found = [one for one in providers if passes(one, where) or _embeds(one, where)]
    if not found and where.operation == "generate":
        raise UnknownModel(NO_MODEL)
    if not found:
        raise UnknownModel(f"No provider here has {where.path[:200]}, and it cannot be translated.")
    return found


def _embeds(provider: Provider, where: Endpoint) -> bool:
    """May it be asked to embed, in a form of its own?"""
    return where.operation == "embed" and provider.dialect in EMBEDDING_DIALECTS and known_of(provider).embeds


def _named(providers: Sequence[Provider], name: str) -> Sequence[Provider]:
    found = [one for one in providers if one.name == name]
    if not found:
        raise UnknownModel(f"There is no provider {name[:100]!r} here: look at the header x-pointsman-provider.")
    return found


def _most_specific(providers: Sequence[Provider], model: str) -> tuple[Provider | None, int]:
    """Who names the model most exactly, and how exactly: the length of the prefix, or more than any for its name."""
    best, length = None, 0
    for provider in providers:
        for pattern in provider.models:
            if pattern == model:
                return provider, len(model) + 2
            if len(pattern) > max(length, 1) and pattern[-1] == "*" and model.startswith(pattern[:-1]):
                best, length = provider, len(pattern)
    return best, length
