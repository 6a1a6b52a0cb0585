from typing import Any

import pytest

from proxy.config import parse_providers
from proxy.credentials.aws import SigningCredentials
from proxy.endpoints import find_endpoint
from proxy.errors import Dialect
from proxy.ports import Provider
from proxy.targets import Target, Targets


def configured(name: str, **fields: Any) -> Provider:
    (provider,) = parse_providers({name: {"api_key": "key", **fields}}, {})
    return provider


def target_of(provider: Provider, path: str, asked: Dialect, *, model: str = "m", is_stream: bool = False) -> Target:
    where = find_endpoint(path)
    assert where is not None
    return Targets().find(provider, where, asked, b"", model, is_stream=is_stream)


CHAT, MESSAGES, RESPONSES = "/v1/chat/completions", "/v1/messages", "/v1/responses"
AZURE = {"settings": {"resource": "r"}}
DATED = {"settings": {"resource": "r", "api_version": "2024-10-21"}}
VERTEX = {"settings": {"project": "p", "location": "europe-west4"}}
PLACE = "/v1/projects/p/locations/europe-west4/publishers"
BEDROCK = {"settings": {"region": "us-east-1"}}
BEARER = ("authorization", "Bearer key")
ANTHROPICS, GOOGLES, AZURES = ("x-api-key", "key"), ("x-goog-api-key", "key"), ("api-key", "key")
COUNT, EMBED = "/v1/messages/count_tokens", "/v1beta/models/m:embedContent"
DEPLOYED = "/openai/deployments/m/chat/completions?api-version=2024-10-21"
OWN = {"dialect": "anthropic", "base_url": "http://h/v1"}


@pytest.mark.parametrize(
    ("name", "fields", "path", "asked", "model", "where", "key"),
    [
        ("openai", {}, CHAT, "openai", "m", "/v1/chat/completions", BEARER),
        ("openai", {}, RESPONSES, "responses", "m", "/v1/responses", BEARER),
        ("openai", {}, "/v1/images/edits", "openai", "m", "/v1/images/edits", BEARER),
        ("openai", {}, "/v1/files/file-1", "openai", "", "/v1/files/file-1", BEARER),
        ("anthropic", {}, CHAT, "anthropic", "m", "/v1/messages", ANTHROPICS),
        ("anthropic", {}, COUNT, "anthropic", "m", COUNT, ANTHROPICS),
        ("gemini", {}, CHAT, "gemini", "m", "/v1beta/models/m:generateContent", GOOGLES),
        ("gemini", {}, "/v1/embeddings", "openai", "m", "/v1beta/openai/embeddings", BEARER),
        ("gemini", {}, EMBED, "gemini", "m", EMBED, GOOGLES),
        ("gemini", {"dialect": "openai", "base_url": "http://h/v1"}, CHAT, "openai", "m", CHAT, BEARER),
        ("azure", AZURE, CHAT, "openai", "m", "/openai/v1/chat/completions", AZURES),
        ("azure", AZURE, RESPONSES, "responses", "m", "/openai/v1/responses", AZURES),
        ("azure", DATED, CHAT, "openai", "m", DEPLOYED, AZURES),
        ("azure", DATED, RESPONSES, "responses", "m", "/openai/responses?api-version=2024-10-21", AZURES),
        ("vertex", VERTEX, CHAT, "gemini", "g", f"{PLACE}/google/models/g:generateContent", BEARER),
        ("vertex", VERTEX, CHAT, "anthropic", "claude-x@1", f"{PLACE}/anthropic/models/claude-x@1:rawPredict", BEARER),
        ("bedrock", BEDROCK, CHAT, "bedrock", "us.a/b:0", "/model/us.a%2Fb%3A0/converse", BEARER),
        ("cohere", {}, CHAT, "cohere", "m", "/v2/chat", BEARER),
        ("cohere", {}, "/v1/rerank", "openai", "m", "/v2/rerank", BEARER),
        ("openrouter", {}, MESSAGES, "anthropic", "m", "/api/v1/messages", BEARER),
        ("perplexity", {}, CHAT, "openai", "m", "/chat/completions", BEARER),
        ("mine", OWN, CHAT, "anthropic", "m", "/v1/messages", ANTHROPICS),
    ],
)  # fmt: skip
def test_each_provider_is_asked_at_its_own_path_with_its_own_key(
    name: str, fields: Any, path: str, asked: Dialect, model: str, where: str, key: tuple[str, str]
) -> None:
    target = target_of(configured(name, **fields), path, asked, model=model)
    assert target.where == where
    assert key in target.headers.items()
    assert f"POST {where} HTTP/1.1\r\n".encode() in target.prefix


@pytest.mark.parametrize(
    ("name", "fields", "asked", "where"),
    [
        ("gemini", {}, "gemini", "/v1beta/models/m:streamGenerateContent?alt=sse"),
        ("vertex", VERTEX, "gemini", f"{PLACE}/google/models/m:streamGenerateContent?alt=sse"),
        ("vertex", VERTEX, "anthropic", f"{PLACE}/anthropic/models/m:streamRawPredict"),
        ("bedrock", BEDROCK, "bedrock", "/model/m/converse-stream"),
        ("openai", {}, "openai", "/v1/chat/completions"),
    ],
)
def test_some_say_in_the_path_that_they_are_to_stream(name: str, fields: Any, asked: Dialect, where: str) -> None:
    assert target_of(configured(name, **fields), CHAT, asked, is_stream=True).where == where


def test_googles_own_client_says_itself_in_which_form_it_wants_a_stream() -> None:
    where = find_endpoint("/v1beta/models/m:streamGenerateContent")
    assert where is not None
    found = Targets().find(configured("gemini"), where, "gemini", b"alt=sse", "m", is_stream=True)
    assert found.where == "/v1beta/models/m:streamGenerateContent?alt=sse"


def test_models_in_the_path_have_targets_of_their_own_and_others_share_one() -> None:
    targets, where = Targets(), find_endpoint(CHAT)
    assert where is not None
    gemini, openai = configured("gemini"), configured("openai")
    first = targets.find(gemini, where, "gemini", model="a")
    assert targets.find(gemini, where, "gemini", model="a") is first
    assert targets.find(gemini, where, "gemini", model="b") is not first
    assert targets.find(openai, where, "openai", model="a") is targets.find(openai, where, "openai", model="b")


def test_only_requests_without_an_api_key_are_signed() -> None:
    assert target_of(configured("bedrock", **BEDROCK), CHAT, "bedrock").credentials is None
    signed = target_of(configured("bedrock", api_key="", **BEDROCK), CHAT, "bedrock")
    assert isinstance(signed.credentials, SigningCredentials)
    assert "authorization" not in signed.headers


def test_a_translated_request_says_the_version_that_anthropic_wants() -> None:
    anthropic = configured("anthropic")
    assert target_of(anthropic, CHAT, "anthropic").added == ((b"anthropic-version", b"2023-06-01"),)
    assert target_of(anthropic, MESSAGES, "anthropic").added == ()


@pytest.mark.parametrize("model", ["..", "../../v1/keys", "a?b#c", "a\r\nx: y"])
def test_a_models_name_leads_to_no_other_place(model: str) -> None:
    where = target_of(configured("bedrock", **BEDROCK), CHAT, "bedrock", model=model).where
    assert where.startswith("/model/")
    assert where.endswith("/converse")
    assert not {"?", "#", "\r", "/../"} & {one for one in ("?", "#", "\r", "/../") if one in where}
