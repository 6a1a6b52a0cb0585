"""The configuration file: providers, tool servers and, for the proxy alone, keys.

The same `providers:` and `tool_servers:` sections stand in `pointsman.yaml`. Values may hold `${NAME}` or
`${NAME:-default}` from the environment. What is not understood is an error with its place, never ignored.

    providers:
      openai:                       # well-known names need no more than a key
        api_key: ${OPENAI_API_KEY}
      azure:
        api_key: ${AZURE_OPENAI_API_KEY}
        settings: {resource: mine}
      local:
        dialect: openai             # or anthropic, responses, gemini, bedrock, cohere; or `kind: vllm`
        base_url: http://127.0.0.1:11434/v1
        models: [qwen3, "llama-*"]
        price_provider: free
        speaks: [responses]         # dialects beside its own in which calls pass as they are
        unsupported: reject         # or warn (in a response header), drop (only logged)
    tool_servers:
      search: {url: "https://tools.example/mcp", headers: {authorization: "Bearer ${SEARCH_KEY}"}}
"""

import re
from collections.abc import Mapping
from typing import Any, cast, get_args

from proxy.errors import Dialect
from proxy.ports import Provider, ToolServer, UnsupportedPolicy
from proxy.providers.known import Known, Setting
from proxy.providers.paths import without_endpoint
from proxy.providers.registry import all_known, find_known
from proxy.upstream.origin import parse_origin

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PROVIDER_FIELDS = frozenset(
    (
        "kind", "dialect", "speaks", "base_url", "api_key", "models", "headers", "settings", "price_provider",
        "simulated", "unsupported", "passes_trace_context",
    )
)  # fmt: skip
_DIALECTS: tuple[str, ...] = get_args(Dialect)
_TOOL_SERVER_FIELDS = frozenset(("url", "headers", "simulated"))


class ConfigError(ValueError):
    """The configuration is at fault; the message names the place and what is expected there."""


def parse_providers(section: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[Provider, ...]:
    """The `providers:` section, name → fields. Order counts: of several candidates for a model the first is asked."""
    return tuple(
        _provider(name, fields, environment) for name, fields in _entries(section, "providers", _PROVIDER_FIELDS)
    )


def providers_from_environment(environment: Mapping[str, str]) -> tuple[Provider, ...]:
    """A provider for each well-known key variable that is set, at `OPENAI_BASE_URL` … if that is set too.

    One that needs more than a key is left out as long as its other variables are not set.
    """
    found = []
    for known in all_known():
        key = environment.get(known.variable) if known.variable else None
        base_url = environment.get(known.variable.removesuffix("_API_KEY") + "_BASE_URL", "") if key else ""
        if key and (base_url or all(_from_environment(one, environment) is not None for one in known.settings)):
            if base_url and known.name == "anthropic" and not base_url.rstrip("/").endswith("/v1"):
                base_url = base_url.rstrip("/") + "/v1"  # Anthropic's own library adds the version itself
            found.append(_make(known.name, {"api_key": key, "base_url": base_url}, known, environment))
    return tuple(found)


def parse_tool_servers(section: Mapping[str, Any], environment: Mapping[str, str]) -> Mapping[str, ToolServer]:
    """The `tool_servers:` section: name → server."""
    servers = {}
    for name, fields in _entries(section, "tool_servers", _TOOL_SERVER_FIELDS):
        place = f"tool_servers.{name}"
        values = interpolate(fields, environment, place)
        url = _address(values.get("url"), f"{place}.url")
        servers[name] = ToolServer(
            name, url, _headers(values.get("headers"), place), _flag(values.get("simulated"), f"{place}.simulated")
        )
    return servers


def interpolate(value: Any, environment: Mapping[str, str], place: str = "") -> Any:
    """The value with every `${NAME}` in its texts replaced. Raises ConfigError for a variable that is not set."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: _variable(found, environment, place), value)
    if isinstance(value, Mapping):
        prefix = f"{place}." if place else ""
        return {key: interpolate(one, environment, f"{prefix}{key}") for key, one in value.items()}
    if isinstance(value, list):
        return [interpolate(one, environment, f"{place}[{position}]") for position, one in enumerate(value)]
    return value


def _provider(name: str, fields: Mapping[str, Any], environment: Mapping[str, str]) -> Provider:
    place = f"providers.{name}"
    values = interpolate(fields, environment, place)
    kind = _text(values.get("kind"), f"{place}.kind")
    known = find_known(kind or name)
    if kind and known is None:
        names = ", ".join(one.name for one in all_known())
        raise ConfigError(f"{place}.kind: nothing is known of {kind!r}; known are {names}")
    return _make(name, values, known, environment)


def _make(name: str, values: Mapping[str, Any], known: Known | None, environment: Mapping[str, str]) -> Provider:
    place = f"providers.{name}"
    is_known = known is not None and bool(known.base_url)
    settings = _settings(values.get("settings"), known, environment, place, is_needed=not values.get("base_url"))
    price_provider = _text(values.get("price_provider"), f"{place}.price_provider")
    return Provider(
        name=name,
        dialect=_dialect(values.get("dialect") or (known.dialect if known and is_known else None), f"{place}.dialect"),
        base_url=_base_url(values.get("base_url"), known, settings, f"{place}.base_url"),
        api_key=_text(values.get("api_key"), f"{place}.api_key"),
        models=tuple(_names(values.get("models", list(known.models) if known else ["*"]), f"{place}.models")),
        headers=_headers(values.get("headers"), place),
        is_simulated=_flag(values.get("simulated"), f"{place}.simulated"),
        price_provider=price_provider or (known.price_provider if known else ""),
        kind=known.name if known and known.name != name else "",
        speaks=tuple(_dialect(one, f"{place}.speaks") for one in values.get("speaks", known.speaks if known else ())),
        settings=settings,
        unsupported=_unsupported(values.get("unsupported"), f"{place}.unsupported"),
        passes_trace_context=_flag(values.get("passes_trace_context"), f"{place}.passes_trace_context"),
    )


def _base_url(given: Any, known: Known | None, settings: Mapping[str, str], place: str) -> str:
    if not given and known is not None:
        given = known.address(settings) if known.address else known.base_url.format_map(settings)
    tidy = known.tidy if known is not None and known.tidy else without_endpoint
    return tidy(_address(given, place))


def _settings(
    value: Any, known: Known | None, environment: Mapping[str, str], place: str, *, is_needed: bool
) -> Mapping[str, str]:
    """What is said, else from the variables that the provider's own tools read, else the default."""
    said = {} if value is None else value
    if not isinstance(said, Mapping) or not all(isinstance(one, str) for pair in said.items() for one in pair):
        raise ConfigError(f"{place}.settings: must be a mapping of texts")
    settings = known.settings if known else ()
    check_fields(said, frozenset(one.name for one in settings), f"{place}.settings")
    found = {one.name: said.get(one.name) or _from_environment(one, environment) for one in settings}
    for one in settings:
        if found[one.name] is None and is_needed:
            raise ConfigError(f"{place}.settings.{one.name}: needed, {one.meaning}; or set {one.variable}")
    return {name: text for name, text in found.items() if text}


def _from_environment(setting: Setting, environment: Mapping[str, str]) -> str | None:
    return (environment.get(setting.variable) if setting.variable else None) or setting.default


def _dialect(value: Any, place: str) -> Dialect:
    if value not in _DIALECTS:
        raise ConfigError(f"{place}: must be one of {', '.join(_DIALECTS)}, not {value!r}")
    return cast("Dialect", value)


def _unsupported(value: Any, place: str) -> UnsupportedPolicy:
    if value is None:
        return "warn"
    if value not in get_args(UnsupportedPolicy):
        raise ConfigError(f"{place}: must be warn, drop or reject, not {value!r}")
    return cast("UnsupportedPolicy", value)


def _names(models: Any, place: str) -> list[str]:
    if not isinstance(models, list) or not models or not all(isinstance(one, str) and one for one in models):
        raise ConfigError(f"{place}: must be a list of names; a name may end with *")
    return models


def _entries(section: Any, name: str, known: frozenset[str]) -> list[tuple[str, Mapping[str, Any]]]:
    if not isinstance(section, Mapping):
        raise ConfigError(f"{name}: must be a mapping of names, not {type(section).__name__}")
    entries = []
    for key, fields in section.items():
        if not isinstance(key, str) or not _NAME.fullmatch(key):
            raise ConfigError(f"{name}: {key!r} is not a name; use letters, digits, '.', '_' and '-'")
        fields = {} if fields is None else fields
        if not isinstance(fields, Mapping):
            raise ConfigError(f"{name}.{key}: must be a mapping, not {type(fields).__name__}")
        check_fields(fields, known, f"{name}.{key}")
        entries.append((key, fields))
    return entries


def check_fields(fields: Mapping[str, Any], known: frozenset[str], place: str) -> None:
    """Raises ConfigError for a field that nobody reads: most often a typing error that would go unnoticed."""
    for field in fields:
        if field not in known:
            raise ConfigError(f"{place}.{field}: unknown; known are {', '.join(sorted(known))}")


def _variable(found: re.Match[str], environment: Mapping[str, str], place: str) -> str:
    name, default = found[1], found[2]
    value = environment.get(name) or default
    if value is None:
        raise ConfigError(f"{place}: the environment has no {name}; set it, or give a default: ${{{name}:-…}}")
    return value


def _address(url: Any, place: str) -> str:
    if not isinstance(url, str) or not url:
        raise ConfigError(f"{place}: an http or https address is needed")
    try:
        parse_origin(url)
    except ValueError as cause:
        raise ConfigError(f"{place}: {cause}") from cause
    return url.rstrip("/")


def _headers(value: Any, place: str) -> Mapping[str, str]:
    headers = value or {}
    if not isinstance(headers, Mapping) or not all(isinstance(one, str) for pair in headers.items() for one in pair):
        raise ConfigError(f"{place}.headers: must be a mapping of texts")
    if any("\n" in one or "\r" in one for pair in headers.items() for one in pair):
        raise ConfigError(f"{place}.headers: a line break in a header")
    return dict(headers)


def _text(value: Any, place: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ConfigError(f"{place}: must be a text")
    return value


def _flag(value: Any, place: str) -> bool:
    if value is None:
        return False
    if not isinstance(value, bool):
        raise ConfigError(f"{place}: must be true or false")
    return value
