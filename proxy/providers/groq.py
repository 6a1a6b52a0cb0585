"""Groq."""

from proxy.providers.known import Known, Source, Unsupported

_API = Source("https://console.groq.com/docs/openai", "2026-11")

KNOWN = Known(
    name="groq",
    title="Groq",
    source=_API,
    base_url="https://api.groq.com/openai/v1",
    variable="GROQ_API_KEY",
    unsupported=(
        Unsupported("logprobs", _API, allowed=(False,)),
        Unsupported("top_logprobs", _API),
        Unsupported("logit_bias", _API),
        Unsupported("n", _API, allowed=(1,)),
    ),
)
