from dataclasses import replace
from pathlib import Path

import pytest

from controlplane.gateway import destinations as module
from controlplane.gateway.destinations import Destinations
from controlplane.settings import Home, Settings
from proxy.config import ConfigError
from proxy.ports import Provider, ToolServer
from proxy.price_overrides import PriceOverrides

SIMULATED = (
    Provider("simulated", "openai", "http://127.0.0.1:8790/v1", is_simulated=True),
    Provider("simulated", "anthropic", "http://127.0.0.1:8790/v1", is_simulated=True),
)
SIMULATED_TOOLS = {"simulated": ToolServer("simulated", "http://127.0.0.1:8790/mcp", is_simulated=True)}
FILE = """
providers:
  openai: {api_key: "${OUR_KEY}"}
tool_servers:
  search: {url: "https://tools.example/mcp"}
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=Home(tmp_path), config_file=tmp_path / "pointsman.yaml")


def names(found: Destinations) -> list[str]:
    return [provider.name for provider in found.providers]


def test_with_nothing_configured_the_simulated_provider_serves_any_model(settings: Settings) -> None:
    found = Destinations(settings, {})
    assert (found.providers, found.tool_servers) == (SIMULATED, SIMULATED_TOOLS)


def test_a_key_in_the_environment_is_enough(settings: Settings) -> None:
    found = Destinations(settings, {"OPENAI_API_KEY": "sk"})
    assert names(found) == ["openai"]
    assert not found.tool_servers


def test_the_file_goes_before_the_environment(settings: Settings) -> None:
    settings.config_file.write_text(FILE)
    found = Destinations(settings, {"OUR_KEY": "sk-ours", "ANTHROPIC_API_KEY": "sk"})
    assert [(provider.name, provider.api_key) for provider in found.providers] == [("openai", "sk-ours")]
    assert found.addresses() == {
        ("model", "openai"): "https://api.openai.com/v1",
        ("tool", "search"): "https://tools.example/mcp",
    }


def test_the_demo_spends_nobodys_money(settings: Settings) -> None:
    settings.config_file.write_text(FILE)
    found = Destinations(replace(settings, is_demo=True), {"OUR_KEY": "sk", "OPENAI_API_KEY": "sk"})
    assert (found.providers, found.tool_servers) == (SIMULATED, SIMULATED_TOOLS)


@pytest.mark.parametrize("text", ["providers: [", "- a", "provider: {}", "providers: {openai: {api_key: '${NONE}'}}"])
def test_a_broken_file_is_refused_at_the_start(settings: Settings, text: str) -> None:
    settings.config_file.write_text(text)
    with pytest.raises(ConfigError):
        Destinations(settings, {})


def test_a_changed_file_is_taken_over_and_a_broken_one_said_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(module, "REFRESH_SECONDS", 0)
    found = Destinations(settings, {"OUR_KEY": "sk"})
    assert not found.refresh()

    settings.config_file.write_text(FILE)
    assert found.refresh()
    assert names(found) == ["openai"]

    settings.config_file.write_text("providers: [")
    assert not found.refresh()
    assert not found.refresh()
    assert names(found) == ["openai"]
    assert [record.levelname for record in caplog.records] == ["ERROR"]

    settings.config_file.unlink()
    assert found.refresh()
    assert found.providers == SIMULATED


def test_who_follows_the_prices_hears_of_a_file_that_was_read_again_and_of_no_broken_one(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REFRESH_SECONDS", 0)
    settings.config_file.write_text(FILE)
    found = Destinations(settings, {"OUR_KEY": "sk"})
    heard: list[PriceOverrides] = []
    found.follow_prices(heard.append)
    assert not found.prices.find("openai", "gpt-5")

    settings.config_file.write_text(FILE + "prices: {openai: {gpt-5: {input: 1}}}\n")
    assert found.refresh()
    settings.config_file.write_text(FILE + "prices: {openai: {gpt-5: {input: nothing}}}\n")
    assert not found.refresh()
    assert heard == [found.prices]
    assert found.prices.find("openai", "gpt-5")
