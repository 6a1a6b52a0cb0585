"""What a file in this room says of its provider."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from proxy.errors import Dialect
from proxy.ports import Provider

# `api_key` goes into this header. `sigv4` signs each request (proxy/providers/signing.py), unless there is an API key.
Auth = Literal["bearer", "x-api-key", "x-goog-api-key", "api-key", "sigv4"]
# What is asked for: an answer, a count of tokens, an embedding, or anything else, which passes as it is.
Operation = Literal["generate", "count_tokens", "embed", "other"]
Body = dict[str, Any]


class Asked(NamedTuple):
    """What a request's path is made of. `tail` is what the client wrote after the version: '/images/generations'."""

    provider: Provider
    dialect: Dialect  # that the provider is asked in
    operation: Operation = "generate"
    tail: str = ""
    model: str = ""
    is_stream: bool = False
    is_native: bool = True  # the client's own query goes on


class Setting(NamedTuple):
    """A member of `settings:` beside the key, and the variable that it is taken from otherwise."""

    name: str
    meaning: str
    variable: str = ""
    default: str | None = None  # None: it has to be set


class Source(NamedTuple):
    """Where a fact stands, and when it was read there."""

    link: str
    date: str  # 2026-11


class Quirk(NamedTuple):
    """`change` takes a request's body in the provider's dialect and answers the one it wants.

    It is called only for bodies that hold one of `members`, so that all others pass without being decoded.
    """

    change: Callable[[Body], Body]
    members: tuple[str, ...]
    source: Source
    dialect: Dialect = "openai"


class Unsupported(NamedTuple):
    """A parameter that the provider refuses, or takes and ignores. Models as in `Provider.models`."""

    parameter: str
    source: Source
    models: tuple[str, ...] = ("*",)
    allowed: tuple[Any, ...] = ()  # values that do no harm: n = 1
    dialect: Dialect = "openai"


@dataclass(frozen=True, slots=True)
class Known:
    """All of it. `base_url` may name settings in braces; `models` are those that no other provider is asked for."""

    name: str
    title: str
    source: Source
    base_url: str
    variable: str = ""  # of the API key
    dialect: Dialect = "openai"
    speaks: tuple[Dialect, ...] = ()  # beside it: only what the provider keeps state for as well as the original
    credentials: Literal["aws", "google", "entra"] | None = None  # without a key: see proxy/credentials
    auth: Auth | None = None  # None: as the dialect has it that it is asked in
    headers: Mapping[str, str] = field(default_factory=dict)  # that it has to have, unless the client sends them
    models: tuple[str, ...] = ("*",)
    settings: tuple[Setting, ...] = ()
    price_provider: str = ""
    quirks: tuple[Quirk, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    passes: tuple[str, ...] = ()  # of another dialect: endpoints that it has in OpenAI's form too
    embeds: bool = True  # in the form of its dialect
    asks_for_usage: bool = True  # takes `stream_options.include_usage`; false: usage comes unasked
    path: Callable[[Asked], str] | None = None  # None: by dialect, see `paths.py`
    tidy: Callable[[str], str] | None = None  # of an address as people write it
    address: Callable[[Mapping[str, str]], str] | None = None  # made of settings; None: `base_url` with them filled in
    dialect_of: Callable[[str], Dialect] | None = None  # where it depends on the model
    note: str = ""  # for the reference page
