"""Where each dialect's requests go, behind the provider's base URL."""

from urllib.parse import quote

from proxy.providers.known import Asked

_ENDINGS = ("/chat/completions", "/responses", "/messages")
_TAILS = {"openai": "/chat/completions", "responses": "/responses", "anthropic": "/messages", "cohere": "/chat"}


def path_of(asked: Asked) -> str:
    """Path and query, relative to the base URL, as most providers of the dialect have it."""
    if asked.operation == "other":
        return asked.tail
    if asked.dialect == "gemini":
        return gemini_path(asked)
    if asked.dialect == "bedrock":
        return bedrock_path(asked)
    if asked.operation == "embed":
        return "/embed" if asked.dialect == "cohere" else "/embeddings"
    tail = _TAILS[asked.dialect]
    return f"{tail}/count_tokens" if asked.operation == "count_tokens" else tail


def gemini_path(asked: Asked, models: str = "/models") -> str:
    """https://ai.google.dev/api/generate-content (November 2026). Without alt=sse a stream is one JSON array."""
    name = f"{models}/{segment(asked.model)}"
    if asked.operation == "embed":
        return f"{name}:{asked.tail if asked.is_native else 'batchEmbedContents'}"
    if asked.operation == "count_tokens":
        return f"{name}:countTokens"
    if not asked.is_stream:
        return f"{name}:generateContent"
    return f"{name}:streamGenerateContent" + ("" if asked.is_native else "?alt=sse")


def bedrock_path(asked: Asked) -> str:
    """https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html: ids and ARNs are escaped."""
    if asked.operation == "embed":
        return f"/model/{segment(asked.model)}/invoke"
    return f"/model/{segment(asked.model)}/converse{'-stream' if asked.is_stream else ''}"


def segment(text: str, safe: str = "") -> str:
    """One segment of a path, whatever a client wrote: no slash in it, and never a step to another place."""
    return quote(text, safe=safe) if text.strip(".") else text.replace(".", "%2E")


def without_endpoint(base_url: str) -> str:
    """An address up to its version, also when somebody gave the whole address of an endpoint."""
    base_url = base_url.rstrip("/")
    for ending in _ENDINGS:
        base_url = base_url.removesuffix(ending)
    return base_url
