"""OpenAI: chat completions and, with its state, responses."""

from proxy.providers.known import Known, Source

KNOWN = Known(
    name="openai",
    title="OpenAI",
    source=Source("https://platform.openai.com/docs/api-reference", "2026-11"),
    base_url="https://api.openai.com/v1",
    variable="OPENAI_API_KEY",
    speaks=("responses",),
    models=("gpt-*", "chatgpt-*", "o1*", "o3*", "o4*", "*"),
)
