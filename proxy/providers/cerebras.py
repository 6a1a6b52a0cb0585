"""Cerebras."""

from proxy.providers.known import Known, Source, Unsupported

_API = Source("https://inference-docs.cerebras.ai/resources/openai", "2026-11")

KNOWN = Known(
    name="cerebras",
    title="Cerebras",
    source=_API,
    base_url="https://api.cerebras.ai/v1",
    variable="CEREBRAS_API_KEY",
    unsupported=tuple(
        Unsupported(name, _API)
        for name in ("frequency_penalty", "presence_penalty", "logit_bias", "parallel_tool_calls", "service_tier")
    ),
)
