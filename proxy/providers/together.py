"""Together AI."""

from proxy.providers.known import Known, Source

KNOWN = Known(
    name="together",
    title="Together AI",
    source=Source("https://docs.together.ai/docs/openai-api-compatibility", "2026-11"),
    base_url="https://api.together.xyz/v1",
    variable="TOGETHER_API_KEY",
)
