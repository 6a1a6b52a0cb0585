"""The configuration file: providers, tool servers and, for the proxy alone, keys.

The same `providers:` and `tool_servers:` sections stand in `pointsman.yaml`. Values may hold `${NAME}` or
`${NAME:-default}` from the environment. What is not understood is an error with its place, never ignored.

    providers:
      openai:                       # well-known names need no more than a key
        api_key: ${OPENAI_API_KEY}
      local:
        dialect: openai             # or anthropic
        base_url: http://127.0.0.1:11434/v1
        models: [qwen3, "llama-*"]
        price_provider: free
    tool_servers:
      search: {url: "https://tools.example/mcp", headers: {authorization: "Bearer ${SEARCH_KEY}"}}
"""

import re
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from proxy.ports import Provider, ToolServer
from proxy.upstream.origin import parse_origin

_REFERENCE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_PROVIDER_FIELDS = frozenset(
    ("dialect", "base_url", "api_key", "models", "headers", "price_provider", "simulated", "passes_trace_context")
)
_TOOL_SERVER_FIELDS = frozenset(("url", "headers", "simulated"))


class ConfigError(ValueError):
    """The configuration is at fault; the message names the place and what is expected there."""


class WellKnown(NamedTuple):
    """A provider that needs no address, the variable of its key, and the models that are its own."""

    base_url: str
    variable: str
    models: tuple[str, ...]
    dialect: Literal["openai", "anthropic"] = "openai"


# From each provider's API reference, November 2026.
WELL_KNOWN: Mapping[str, WellKnown] = {
    "openai": WellKnown(
        "https://api.openai.com/v1", "OPENAI_API_KEY", ("gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "*")
    ),
    "anthropic": WellKnown("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", ("claude-*", "*"), "anthropic"),
    "openrouter": WellKnown("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", ("*",)),
    "groq": WellKnown("https://api.groq.com/openai/v1", "GROQ_API_KEY", ("*",)),
    "mistral": WellKnown(
        "https://api.mistral.ai/v1", "MISTRAL_API_KEY", ("mistral-*", "ministral-*", "codestral-*", "magistral-*", "*")
    ),
    "deepseek": WellKnown("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", ("deepseek-*", "*")),
    "together": WellKnown("https://api.together.xyz/v1", "TOGETHER_API_KEY", ("*",)),
    "fireworks": WellKnown("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY", ("accounts/fireworks/*", "*")),
    "x-ai": WellKnown("https://api.x.ai/v1", "XAI_API_KEY", ("grok-*", "*")),
    "cerebras": WellKnown("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", ("*",)),
}


def parse_providers(section: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[Provider, ...]:
    """The `providers:` section, name → fields. Order counts: of several candidates for a model the first is asked."""
    return tuple(
        _provider(name, fields, environment) for name, fields in _entries(section, "providers", _PROVIDER_FIELDS)
    )


def providers_from_environment(environment: Mapping[str, str]) -> tuple[Provider, ...]:
    """A provider for each well-known key variable that is set, at `OPENAI_BASE_URL` … if that is set too."""
    found = []
    for name, known in WELL_KNOWN.items():
        if environment.get(known.variable):
            base_url = environment.get(known.variable.removesuffix("_API_KEY") + "_BASE_URL") or known.base_url
            if name == "anthropic" and not base_url.rstrip("/").endswith("/v1"):
                base_url = base_url.rstrip("/") + "/v1"  # Anthropic's own library adds the version itself
            fields = {"api_key": environment[known.variable], "base_url": base_url}
            found.append(_provider(name, fields, {}))
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
    known = WELL_KNOWN.get(name)
    dialect = values.get("dialect") or (known.dialect if known else None)
    if dialect not in {"openai", "anthropic"}:
        raise ConfigError(f"{place}.dialect: must be openai or anthropic, not {dialect!r}")
    models = values.get("models", list(known.models) if known else ["*"])
    if not isinstance(models, list) or not models or not all(isinstance(one, str) and one for one in models):
        raise ConfigError(f"{place}.models: must be a list of names; a name may end with *")
    return Provider(
        name=name,
        dialect=dialect,
        base_url=_address(values.get("base_url") or (known.base_url if known else None), f"{place}.base_url"),
        api_key=_text(values.get("api_key"), f"{place}.api_key"),
        models=tuple(models),
        headers=_headers(values.get("headers"), place),
        is_simulated=_flag(values.get("simulated"), f"{place}.simulated"),
        price_provider=_text(values.get("price_provider"), f"{place}.price_provider"),
        passes_trace_context=_flag(values.get("passes_trace_context"), f"{place}.passes_trace_context"),
    )


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
