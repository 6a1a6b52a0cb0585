from dataclasses import replace

import pytest

from proxy.errors import UnknownModel
from proxy.ports import Provider
from proxy.providers.registry import dialect_for
from proxy.stages.route import Routes, choose_provider


def provider(name: str, *models: str, dialect: str = "openai") -> Provider:
    return Provider(name, dialect, "http://127.0.0.1:1/v1", models=models or ("*",))  # type: ignore[arg-type]


PROVIDERS = (
    provider("openai", "gpt-*", "*"),
    provider("special", "gpt-5-mini", "gpt-5*"),
    provider("openrouter"),
    provider("anthropic", "claude-*", dialect="anthropic"),
)


@pytest.mark.parametrize(
    ("model", "name", "asked"),
    [
        ("gpt-5-mini", "special", "gpt-5-mini"),
        ("gpt-5-nano", "special", "gpt-5-nano"),
        ("gpt-4o", "openai", "gpt-4o"),
        ("llama", "openai", "llama"),
        ("openrouter/meta/llama", "openrouter", "meta/llama"),
        ("meta/llama", "openai", "meta/llama"),
    ],
)
def test_a_model_goes_to_whom_names_it_most_exactly(model: str, name: str, asked: str) -> None:
    chosen, as_asked = choose_provider(PROVIDERS, "openai", model)
    assert (chosen.name, as_asked) == (name, asked)


def test_a_model_that_nobody_serves_is_unknown() -> None:
    with pytest.raises(UnknownModel, match="No provider here serves"):
        choose_provider((provider("a", "gpt-*"), PROVIDERS[-1]), "anthropic", "mistral-large")


@pytest.mark.parametrize(("model", "asked"), [("claude-x", "claude-x"), ("anthropic/claude-x", "claude-x")])
def test_a_provider_of_another_dialect_serves_whom_it_names(model: str, asked: str) -> None:
    chosen, as_asked = choose_provider(PROVIDERS, "openai", model)
    assert (chosen.name, as_asked) == ("anthropic", asked)


def test_of_two_that_name_a_model_alike_the_one_that_needs_no_translation_is_asked() -> None:
    twins = (provider("sim"), provider("sim", dialect="anthropic"))
    assert [choose_provider(twins, one, "any")[0].dialect for one in ("openai", "anthropic", "gemini")] == [
        "openai", "anthropic", "openai",
    ]  # fmt: skip
    exact = (provider("a", "m"), provider("b", "m", dialect="anthropic"))
    assert choose_provider(exact, "anthropic", "m")[0].name == "b"


def test_a_dialect_that_a_provider_speaks_beside_its_own_passes() -> None:
    openai = replace(provider("openai"), speaks=("responses",))
    assert dialect_for(openai, "responses", "m") == "responses"
    assert dialect_for(openai, "gemini", "m") == "openai"


def test_the_model_says_in_which_dialect_vertex_is_asked() -> None:
    vertex = provider("vertex", dialect="gemini")
    assert dialect_for(vertex, "gemini", "claude-opus-4-6") == "anthropic"
    assert dialect_for(vertex, "anthropic", "gemini-3-pro") == "gemini"


def test_a_route_is_found_once_and_anew_when_the_providers_change() -> None:
    routes = Routes()
    first = routes.find(PROVIDERS, "openai", "anthropic/claude-x")
    assert first == (PROVIDERS[3], "claude-x", "anthropic")
    assert routes.find(PROVIDERS, "openai", "anthropic/claude-x") is first
    assert routes.find(PROVIDERS, "anthropic", "claude-x").asked == "anthropic"
    changed = (replace(PROVIDERS[3], api_key="new"),)
    assert routes.find(changed, "openai", "claude-x").provider.api_key == "new"
    with pytest.raises(UnknownModel):
        routes.find(changed, "openai", "gpt-5")
