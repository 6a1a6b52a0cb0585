import pytest

from proxy.errors import UnknownModel
from proxy.ports import Provider
from proxy.stages.route import choose_provider


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
        choose_provider(PROVIDERS, "anthropic", "mistral-large")


@pytest.mark.parametrize("model", ["claude-x", "anthropic/claude-x"])
def test_a_model_of_the_other_dialect_is_named_with_its_endpoint(model: str) -> None:
    with pytest.raises(UnknownModel, match="/v1/messages"):
        choose_provider((provider("a", "gpt-*"), PROVIDERS[-1]), "openai", model)
