"""Log probabilities: Cohere tells them by pieces of text of one or more tokens, OpenAI token by token."""

from typing import Any

from proxy.dialects.reading import member, text_of


def parse_logprobs(items: object) -> list[Any] | None:
    """A piece of several tokens becomes one entry with their joint probability."""
    if isinstance(items, dict):
        items = [items]
    if not isinstance(items, list):
        return None
    return [_parse_item(item) for item in items if isinstance(item, dict)]


def _parse_item(item: dict[str, Any]) -> dict[str, Any]:
    text = text_of(item.get("text"))
    said = item.get("logprobs")
    values = [value for value in (said if isinstance(said, list) else ()) if isinstance(value, int | float)]
    return {
        "token": text,
        "logprob": sum(values),
        "bytes": list(text.encode("utf-8", "surrogatepass")),
        "top_logprobs": [],
        "token_ids": item.get("token_ids") or [],
    }


def render_logprobs(tokens: list[Any]) -> list[dict[str, Any]]:
    return [
        {
            "text": text_of(member(token, "token")),
            "token_ids": member(token, "token_ids") or [],
            "logprobs": [member(token, "logprob") or 0],
        }
        for token in tokens
    ]
