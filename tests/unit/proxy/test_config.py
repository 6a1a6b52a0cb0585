from pathlib import Path
from typing import Any

import pytest

from proxy.config import ConfigError, interpolate, parse_providers, parse_tool_servers, providers_from_environment
from proxy.ports import Provider, ToolServer
from proxy.standalone import read_standalone


def test_a_well_known_provider_needs_its_key_only() -> None:
    (provider,) = parse_providers({"anthropic": {"api_key": "${KEY}"}}, {"KEY": "sk"})
    assert (provider.dialect, provider.base_url, provider.api_key) == (
        "anthropic",
        "https://api.anthropic.com/v1",
        "sk",
    )


def test_every_field_of_a_provider_is_read() -> None:
    fields = {
        "kind": "azure",
        "dialect": "openai",
        "speaks": ["responses"],
        "base_url": "http://127.0.0.1:1/openai/v1/",
        "api_key": "${KEY:-none}",
        "models": ["a", "b-*"],
        "headers": {"x-org": "${ORG}"},
        "settings": {"api_version": "2024-10-21"},
        "price_provider": "free",
        "simulated": True,
        "unsupported": "reject",
        "passes_trace_context": True,
    }
    assert parse_providers({"mine": fields}, {"ORG": "o"}) == (
        Provider(
            "mine", "openai", "http://127.0.0.1:1/openai", "none", ("a", "b-*"), {"x-org": "o"}, True, "free",
            kind="azure", speaks=("responses",), settings={"api_version": "2024-10-21"}, unsupported="reject",
            passes_trace_context=True,
        ),
    )  # fmt: skip


def test_tool_servers_are_read() -> None:
    section = {"search": {"url": "https://tools.example/mcp", "headers": {"authorization": "Bearer ${K}"}}}
    assert parse_tool_servers(section, {"K": "1"}) == {
        "search": ToolServer("search", "https://tools.example/mcp", {"authorization": "Bearer 1"})
    }


def test_providers_come_from_the_variables_people_already_have() -> None:
    environment = {
        "OPENAI_API_KEY": "a",
        "ANTHROPIC_API_KEY": "b",
        "ANTHROPIC_BASE_URL": "https://eu.example",
        "GROQ_API_KEY": "",
    }
    openai, anthropic = providers_from_environment(environment)
    assert (openai.name, openai.base_url, openai.api_key) == ("openai", "https://api.openai.com/v1", "a")
    assert (anthropic.base_url, anthropic.dialect) == ("https://eu.example/v1", "anthropic")


@pytest.mark.parametrize(
    ("name", "fields", "base_url"),
    [
        ("azure", {"settings": {"resource": "r"}}, "https://r.openai.azure.com/openai"),
        ("azure", {"base_url": "https://r.openai.azure.com"}, "https://r.openai.azure.com/openai"),
        ("azure", {"base_url": "https://r.openai.azure.com/openai/deployments/d"}, "https://r.openai.azure.com/openai"),
        ("vertex", {"settings": {"project": "p"}}, "https://aiplatform.googleapis.com/v1"),
        (
            "vertex",
            {"settings": {"project": "p", "location": "europe-west4"}},
            "https://europe-west4-aiplatform.googleapis.com/v1",
        ),
        ("bedrock", {"settings": {"region": "eu-north-1"}}, "https://bedrock-runtime.eu-north-1.amazonaws.com"),
        ("x-ai", {}, "https://api.x.ai/v1"),
        ("openai", {"base_url": "https://h.example/v1/chat/completions"}, "https://h.example/v1"),
    ],
)
def test_an_address_is_made_of_settings_and_tidied(name: str, fields: dict[str, Any], base_url: str) -> None:
    (provider,) = parse_providers({name: fields}, {})
    assert provider.base_url == base_url


def test_a_provider_whose_settings_are_missing_does_not_come_from_the_environment() -> None:
    keys = {"AZURE_OPENAI_API_KEY": "a", "AWS_BEARER_TOKEN_BEDROCK": "b", "AWS_REGION": "us-east-1"}
    (bedrock,) = providers_from_environment(keys)
    assert (bedrock.dialect, bedrock.settings) == ("bedrock", {"region": "us-east-1"})


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"x": {"api_key": "k"}}, "providers.x.dialect"),
        ({"x": {"dialect": "openai"}}, "providers.x.base_url: an http"),
        ({"openai": {"base_url": "https://u:p@h/v1"}}, "must not hold credentials"),
        ({"openai": {"api_keys": "k"}}, "providers.openai.api_keys: unknown; known are api_key"),
        ({"openai": {"api_key": "${NOPE}"}}, "providers.openai.api_key: the environment has no NOPE"),
        ({"openai": {"models": "gpt"}}, "providers.openai.models"),
        ({"openai": {"headers": {"x": "a\nb"}}}, "line break"),
        ({"openai": {"simulated": "yes"}}, "true or false"),
        ({"openai": {"kind": "opnai"}}, "nothing is known of 'opnai'; known are openai, anthropic"),
        ({"openai": {"speaks": ["klingon"]}}, "providers.openai.speaks: must be one of openai, responses"),
        ({"openai": {"unsupported": "ignore"}}, "must be warn, drop or reject"),
        ({"azure": {"api_key": "k"}}, "providers.azure.settings.resource: needed"),
        ({"azure": {"settings": {"zone": "x"}}}, "providers.azure.settings.zone: unknown"),
        ({"bedrock": {"settings": {"region": 1}}}, "providers.bedrock.settings: must be a mapping of texts"),
        ({"a b": {}}, "is not a name"),
        ({"openai": 7}, "must be a mapping"),
        ([], "must be a mapping"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(section: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_providers(section, {})


def test_interpolation_reaches_every_depth() -> None:
    value = {"a": ["${X}-${Y:-2}", {"b": "$X ${Z:-}"}], "n": 1}
    assert interpolate(value, {"X": "1"}) == {"a": ["1-2", {"b": "$X "}], "n": 1}


def test_a_standalone_proxy_without_keys_stays_on_loopback(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("providers: {openai: {api_key: k}}\nlisten: {host: 0.0.0.0}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="loopback only"):
        read_standalone(path, {})
    path.write_text("providers: {openai: {api_key: k}}\n", encoding="utf-8")
    assert read_standalone(path, {}).policy.allow_anonymous


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("- 1", "must be a mapping"),
        ("provider: {}", "unknown"),
        ("limits: {body_bytes: many}\nproviders: {openai: {}}", "limits.body_bytes: must be a number"),
        ("timeouts: {read: 1}\nproviders: {openai: {}}", "timeouts.read: unknown"),
        ("body_policy: some\nproviders: {openai: {}}", "body_policy"),
        ("keys: [{name: x}]\nproviders: {openai: {}}", r"keys\[0\]"),
        ("", "none is configured"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_standalone(path, {})
