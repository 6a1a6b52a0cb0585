"""Ollama, on this machine unless another address is given."""

from proxy.providers.known import Known, Quirk, Source, Unsupported
from proxy.providers.quirks import max_tokens_by_its_old_name

_API = Source("https://docs.ollama.com/api/openai-compatibility", "2026-11")

KNOWN = Known(
    name="ollama",
    title="Ollama",
    source=_API,
    base_url="http://127.0.0.1:11434/v1",
    price_provider="free",
    quirks=(Quirk(max_tokens_by_its_old_name, ("max_completion_tokens",), _API),),
    unsupported=(
        Unsupported("logit_bias", _API),
        Unsupported("user", _API),
        Unsupported("n", _API, allowed=(1,)),
        Unsupported("tool_choice", _API, allowed=("auto",)),
    ),
)
