"""OpenRouter."""

from proxy.providers.known import Known, Source

KNOWN = Known(
    name="openrouter",
    title="OpenRouter",
    source=Source("https://openrouter.ai/docs/api-reference/overview", "2026-11"),
    base_url="https://openrouter.ai/api/v1",
    variable="OPENROUTER_API_KEY",
    speaks=("anthropic",),
    auth="bearer",
)
