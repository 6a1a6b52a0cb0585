"""Gemini by API key. Its embeddings are also there in OpenAI's form, beside its own."""

from proxy.providers.known import Asked, Known, Source
from proxy.providers.paths import gemini_path, path_of

_OPENAI = Source("https://ai.google.dev/gemini-api/docs/openai", "2026-11")


def path(asked: Asked) -> str:
    if asked.dialect == "openai" and asked.operation in {"embed", "other"}:
        return f"/openai{asked.tail or '/embeddings'}"
    if asked.operation == "other":
        return asked.tail
    # Told to speak another dialect, it is a server of somebody's own that only bears the name.
    return gemini_path(asked) if asked.dialect == "gemini" else path_of(asked)


KNOWN = Known(
    name="gemini",
    title="Google Gemini",
    source=Source("https://ai.google.dev/api", "2026-11"),
    base_url="https://generativelanguage.googleapis.com/v1beta",
    variable="GEMINI_API_KEY",
    dialect="gemini",
    models=("gemini-*", "gemma-*", "*"),
    price_provider="google",
    passes=("/embeddings",),
    path=path,
    note=f"Embeddings in OpenAI's form pass too ({_OPENAI.link}).",
)
