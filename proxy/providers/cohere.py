"""Cohere: chat v2, rerank and embed."""

from proxy.providers.known import Known, Source

KNOWN = Known(
    name="cohere",
    title="Cohere",
    source=Source("https://docs.cohere.com/reference/chat", "2026-11"),
    base_url="https://api.cohere.com/v2",
    variable="COHERE_API_KEY",
    dialect="cohere",
    models=("command-*", "c4ai-*", "rerank-*", "embed-*"),
    passes=("/rerank",),
)
