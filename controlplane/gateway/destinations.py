"""Where calls may go: `pointsman.yaml`, else the environment's API keys, else the simulated provider.

The simulated provider stands in until a real one is configured, and always in the demo, so that a demo never spends
anybody's money.
"""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from controlplane.settings import Settings
from proxy.config import ConfigError, check_fields, parse_providers, parse_tool_servers, providers_from_environment
from proxy.ports import Provider, ToolServer
from proxy.price_overrides import NO_OVERRIDES, PriceOverrides, parse_prices

REFRESH_SECONDS = 2.0
SIMULATED = "simulated"

_SECTIONS = frozenset(("providers", "tool_servers", "prices"))

_log = logging.getLogger(__name__)


class Destinations:
    """Providers and tool servers as they are configured. Raises ConfigError when the file is broken at the start."""

    def __init__(self, settings: Settings, environment: Mapping[str, str]) -> None:
        self._settings = settings
        self._environment = environment
        self._looked_at = time.monotonic()
        self._seen = self._version()
        self.providers: tuple[Provider, ...]
        self.tool_servers: Mapping[str, ToolServer]
        self.prices = NO_OVERRIDES
        self._followers: list[Callable[[PriceOverrides], None]] = []
        self.providers, self.tool_servers = self._read()

    def refresh(self) -> bool:
        """Takes over a changed file, looked at every two seconds; true when it did. A broken one is said once."""
        now = time.monotonic()
        if now - self._looked_at < REFRESH_SECONDS:
            return False
        self._looked_at = now
        version = self._version()
        if version == self._seen:
            return False
        self._seen = version
        try:
            self.providers, self.tool_servers = self._read()
        except ConfigError as error:
            _log.error("the configuration is broken, the one before stays: %s", error)
            return False
        for take_prices in self._followers:
            take_prices(self.prices)
        _log.info("the configuration was read again", extra={"providers": [one.name for one in self.providers]})
        return True

    def follow_prices(self, take_prices: Callable[[PriceOverrides], None]) -> None:
        """Has it called with the prices each time that the file was read again."""
        self._followers.append(take_prices)

    def addresses(self) -> Mapping[tuple[str, str], str]:
        """URLs by a call's kind and its destination's name, for spans."""
        providers = {("model", one.name): one.base_url for one in self.providers}
        return providers | {("tool", one.name): one.url for one in self.tool_servers.values()}

    def _version(self) -> tuple[int, int] | None:
        try:
            status = self._settings.config_file.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_size

    def _read(self) -> tuple[tuple[Provider, ...], Mapping[str, ToolServer]]:
        simulated = _simulated_tools(self._settings)
        if self._settings.is_demo:
            return _simulated_providers(self._settings), simulated
        document = self._document()
        prices = parse_prices(document.get("prices"))
        tool_servers = parse_tool_servers(document.get("tool_servers") or {}, self._environment)
        providers = parse_providers(document.get("providers") or {}, self._environment)
        providers = providers or providers_from_environment(self._environment)
        self.prices = prices  # once all else is read: of a broken file nothing is taken over
        if providers:
            return providers, tool_servers
        return _simulated_providers(self._settings), simulated | dict(tool_servers)

    def _document(self) -> Mapping[str, Any]:
        path = self._settings.config_file
        try:
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        if document is None:
            return {}
        if not isinstance(document, dict):
            raise ConfigError(
                f"{path} must be a mapping with providers:, tool_servers: and prices:, not {document!r:.80}"
            )
        check_fields(document, _SECTIONS, str(path))
        return document


def _simulated_providers(settings: Settings) -> tuple[Provider, ...]:
    """One for each dialect, for any model."""
    base_url = f"{settings.simulated_url}/v1"
    return (
        Provider(SIMULATED, "openai", base_url, is_simulated=True),
        Provider(SIMULATED, "anthropic", base_url, is_simulated=True),
    )


def _simulated_tools(settings: Settings) -> dict[str, ToolServer]:
    return {SIMULATED: ToolServer(SIMULATED, f"{settings.simulated_url}/mcp", is_simulated=True)}
