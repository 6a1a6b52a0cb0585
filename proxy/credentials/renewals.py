"""All credentials that this process holds towards providers, and which provider has which."""

import os
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from proxy.clock import SystemClock
from proxy.credentials.aws import SigningCredentials, fixed_keys
from proxy.credentials.bearer import BearerCredentials
from proxy.credentials.renewing import Renewing
from proxy.credentials.source import Credentials
from proxy.ports import Clock, Provider
from proxy.providers.known import Known
from proxy.providers.registry import known_of
from proxy.upstream.origin import parse_origin

# A token is sent unencrypted only where somebody has asked for it by one of these settings.
_ASKED_FOR_BY = {
    "google": ("credentials",),
    "entra": ("client_id", "client_secret", "federated_token_file"),
}
_Key = tuple[str, str, tuple[tuple[str, str], ...]]


class Renewals:
    """Made once for each process; belongs to one event loop.

    A provider that is configured anew in the same words keeps its credentials. `providers` says which there are now:
    what none of them has any more is not renewed and falls away.
    """

    def __init__(
        self,
        clock: Clock | None = None,
        providers: Callable[[], Sequence[Provider]] = tuple,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._clock = clock or SystemClock()
        self._providers = providers
        self._environment = environment
        self._credentials: dict[_Key, Credentials] = {}
        self._renewing: dict[_Key, Renewing[Any]] = {}

    def find(self, provider: Provider) -> Credentials | None:
        """None: a key in its headers is all that it wants, or it wants nothing."""
        known = known_of(provider)
        if not _proves_itself(provider, known):
            return None
        key = _key(provider)
        if key not in self._credentials:
            self._credentials[key] = self._make(provider, known)
        return self._credentials[key]

    def begin(self) -> None:
        """Asks for those of all providers, so that not even the first call need wait."""
        for provider in self._providers():
            self.find(provider)
        for renewing in self._renewing.values():
            renewing.begin()

    def close(self) -> None:
        """No more renewals; one that is under way ends with the process."""
        for renewing in self._renewing.values():
            renewing.close()

    def _make(self, provider: Provider, known: Known) -> Credentials:
        settings = provider.settings
        keys = fixed_keys(settings) if known.credentials == "aws" else None
        if keys is not None:
            return SigningCredentials(keys, settings.get("region", ""))
        source = import_module(f"proxy.credentials.{known.credentials}").make_source(settings, self._environment)
        key = _key(provider)
        renewing = self._renewing[key] = Renewing(provider.name, source, self._clock, lambda: self._is_wanted(key))
        if known.credentials == "aws":
            return SigningCredentials(renewing, settings.get("region", ""))
        return BearerCredentials(renewing)

    def _is_wanted(self, key: _Key) -> bool:
        if any(_key(provider) == key for provider in self._providers()):
            return True
        self._credentials.pop(key, None)
        self._renewing.pop(key, None)
        return False


def _key(provider: Provider) -> _Key:
    return provider.name, provider.kind, tuple(sorted(provider.settings.items()))


def _proves_itself(provider: Provider, known: Known) -> bool:
    if known.credentials is None or provider.api_key:
        return False
    if any(name.lower() in {"authorization", "api-key"} for name in provider.headers):
        return False
    asked_for_by = _ASKED_FOR_BY.get(known.credentials)
    if asked_for_by is None:  # a signature takes no secret along
        return True
    origin, _ = parse_origin(provider.base_url)
    return origin.is_tls or any(name in provider.settings for name in asked_for_by)
