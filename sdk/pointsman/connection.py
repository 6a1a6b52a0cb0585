"""Where Pointsman is and which key to show: from the arguments, else from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from pointsman.contract import parse_key_kind
from pointsman.errors import ConfigurationError

DEFAULT_URL: Final = "http://127.0.0.1:8080"


@dataclass(frozen=True, slots=True)
class Connection:
    """One server and the agent's key for it. The key is never part of the printed form."""

    url: str
    key: str = field(repr=False)

    @property
    def is_loopback(self) -> bool:
        """Then a proxy named by the environment must not stand in between."""
        host = urlsplit(self.url).hostname or ""
        return host in {"localhost", "::1"} or host.startswith("127.")

    @property
    def websocket_url(self) -> str:
        return "ws" + self.url.removeprefix("http")


def read_connection(url: str | None, key: str | None, environment: Mapping[str, str] | None = None) -> Connection:
    """Arguments win over `POINTSMAN_URL` and `POINTSMAN_KEY`. Raises ConfigurationError with what to do."""
    env = os.environ if environment is None else environment
    address = (url or env.get("POINTSMAN_URL") or DEFAULT_URL).rstrip("/")
    if urlsplit(address).scheme not in {"http", "https"}:
        raise ConfigurationError(f"POINTSMAN_URL must begin with http:// or https://, not {address!r}.")
    secret = key or env.get("POINTSMAN_KEY") or ""
    if not secret:
        raise ConfigurationError(
            "No key: set POINTSMAN_KEY, for example by export POINTSMAN_KEY=$(pointsman keys create --agent writer)."
        )
    if parse_key_kind(secret) is None:
        raise ConfigurationError("POINTSMAN_KEY is not a key of Pointsman: it was cut or mistyped.")
    return Connection(address, secret)
