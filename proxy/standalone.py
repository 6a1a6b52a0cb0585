"""The proxy without a control plane: policy from a file, records to JSON lines.

listen: {host: 127.0.0.1, port: 8787}
keys:                              # [] is for loopback only: then everybody may call
- {name: writer, key: "${WRITER_KEY}"}
providers: {…}                     # see proxy/config.py; without it, from OPENAI_API_KEY, ANTHROPIC_API_KEY, …
tool_servers: {…}
prices: {…}                        # see proxy/price_overrides.py
log: calls.jsonl
state: .pointsman                  # answers kept for repeated idempotency keys
body_policy: full                  # off | metadata | full
limits: {body_bytes: 33554432, receive_seconds: 120, in_flight_per_key: 0, recorded_body_bytes: 262144}
timeouts: {connect: 10, first_byte: 600, idle: 300}
"""

import ipaddress
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar, cast

import yaml
from pointsman.contract import KeyKind, digest

from proxy.config import (
    ConfigError,
    check_fields,
    interpolate,
    parse_providers,
    parse_tool_servers,
    providers_from_environment,
)
from proxy.deps import Limits
from proxy.ports import BodyPolicy, Policy, Principal
from proxy.price_overrides import PriceOverrides, parse_prices
from proxy.upstream.attempt import Timeouts

_FIELDS = frozenset(
    ("listen", "keys", "providers", "tool_servers", "prices", "log", "state", "body_policy", "limits", "timeouts")
)
_WORKSPACE = "local"
_Settings = TypeVar("_Settings", Limits, Timeouts)


@dataclass(frozen=True, slots=True)
class Standalone:
    """A configuration file, read and checked."""

    policy: Policy
    host: str
    port: int
    log: Path
    state: Path
    limits: Limits
    timeouts: Timeouts
    prices: PriceOverrides


class FixedPolicy:
    """A `PolicySource` that never changes and is never stale."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy

    def current(self) -> Policy:
        return self._policy

    def age_seconds(self) -> float:
        return 0.0

    def follow(self, on_change: Callable[[Collection[str]], None]) -> None:
        """Nobody is ever called back."""


def read_standalone(path: Path, environment: Mapping[str, str]) -> Standalone:
    """Raises ConfigError, or OSError when the file cannot be read."""
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as cause:
        raise ConfigError(f"{path} is not YAML: {cause}") from cause
    if not isinstance(document, Mapping):
        raise ConfigError(f"{path}: must be a mapping")
    check_fields(document, _FIELDS, str(path))
    rest = {key: value for key, value in document.items() if key not in {"providers", "tool_servers"}}
    rest = interpolate(rest, environment)
    listen = rest.get("listen") or {}
    check_fields(listen, frozenset(("host", "port")), "listen")
    host = str(listen.get("host", "127.0.0.1"))
    return Standalone(
        policy=_policy(document, rest, environment, host),
        host=host,
        port=int(listen.get("port", 8787)),
        log=Path(rest.get("log", "calls.jsonl")),
        state=Path(rest.get("state", ".pointsman")),
        limits=_settings(Limits, rest.get("limits"), "limits"),
        timeouts=_settings(Timeouts, rest.get("timeouts"), "timeouts"),
        prices=parse_prices(rest.get("prices")),
    )


def _policy(document: Mapping[str, Any], rest: Mapping[str, Any], environment: Mapping[str, str], host: str) -> Policy:
    providers = (
        parse_providers(document["providers"], environment)
        if document.get("providers")
        else providers_from_environment(environment)
    )
    if not providers:
        raise ConfigError("providers: none is configured and no well-known key, such as OPENAI_API_KEY, is set")
    principals = _principals(rest.get("keys") or [])
    if not principals and not _is_loopback(host):
        raise ConfigError(f"keys: without any, the proxy listens on loopback only, not on {host!r}")
    body_policy = rest.get("body_policy", "full")
    if body_policy not in {"off", "metadata", "full"}:
        raise ConfigError(f"body_policy: must be off, metadata or full, not {body_policy!r}")
    return Policy(
        principals=principals,
        live_runs={},
        providers=providers,
        tool_servers=parse_tool_servers(document.get("tool_servers") or {}, environment),
        body_policy=cast("BodyPolicy", body_policy),
        allow_anonymous=not principals,
    )


def _principals(keys: Any) -> Mapping[str, Principal]:
    if not isinstance(keys, list):
        raise ConfigError("keys: must be a list")
    principals = {}
    for position, entry in enumerate(keys):
        place = f"keys[{position}]"
        if not isinstance(entry, Mapping) or not isinstance(entry.get("key"), str) or not entry["key"]:
            raise ConfigError(f"{place}: must be a mapping with a name and a key")
        check_fields(entry, frozenset(("name", "key")), place)
        name = str(entry.get("name", position))
        principals[digest(entry["key"])] = Principal(f"k_{name}", KeyKind.AGENT, _WORKSPACE, agent_id=f"a_{name}")
    return principals


def _settings(kind: type[_Settings], section: Any, place: str) -> _Settings:
    values = section or {}
    names = {field.name for field in fields(kind)}
    check_fields(values, frozenset(names), place)
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ConfigError(f"{place}.{name}: must be a number, not {value!r}")
    return kind(**values)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
