"""What is said to a model in words where a dialect has no parameter for it."""

from typing import Any

import orjson


def ask_for_form(schema: dict[str, Any] | None) -> str:
    """For an answer of JSON, of a schema if one is given."""
    if schema is None:
        return "Answer with one JSON object and nothing else: no explanation, no code fence."
    text = orjson.dumps(schema).decode()
    return f"Answer with JSON of this schema and nothing else, no explanation, no code fence:\n{text}"
