"""Which file knows a provider."""

from functools import cache
from importlib import import_module

from proxy.errors import Dialect
from proxy.ports import Provider
from proxy.providers.known import Known

# In this order providers are made of the variables in the environment; the order says who is asked first.
NAMES = (
    "openai", "anthropic", "gemini", "azure", "vertex", "bedrock", "mistral", "cohere", "groq", "xai", "deepseek",
    "together", "fireworks", "openrouter", "perplexity", "cerebras", "ollama", "vllm", "openai-compatible",
)  # fmt: skip
_ALIASES = {"x-ai": "xai", "google": "gemini", "openai_compatible": "openai-compatible"}
_GENERIC = "openai-compatible"


def find_known(name: str) -> Known | None:
    """What is known under this name or an older one; None if nothing is."""
    name = _ALIASES.get(name, name)
    if name not in NAMES:
        return None
    found: Known = import_module(f"proxy.providers.{name.replace('-', '_')}").KNOWN
    return found


@cache
def _known_or_generic(name: str) -> Known:
    return find_known(name) or import_module(f"proxy.providers.{_GENERIC.replace('-', '_')}").KNOWN


def known_of(provider: Provider) -> Known:
    """By its kind, else by its name, else as one of many that are compatible with OpenAI or Anthropic."""
    return _known_or_generic(provider.kind or provider.name)


def dialect_for(provider: Provider, client: Dialect, model: str) -> Dialect:
    """The dialect that the provider is asked in: the client's own where it can be, else the provider's."""
    dialect_of = known_of(provider).dialect_of
    if dialect_of is not None:
        return dialect_of(model)
    return client if client == provider.dialect or client in provider.speaks else provider.dialect


def all_known() -> tuple[Known, ...]:
    return tuple(found for name in NAMES if (found := find_known(name)) is not None)
