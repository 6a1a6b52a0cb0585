"""What a model's name says about what it can be asked. https://ai.google.dev/gemini-api/docs/models (November 2026)."""

import re
from functools import lru_cache
from typing import NamedTuple

_GENERATION = re.compile(r"gemini-(?:(?:pro|flash|flash-lite)-)?(\d+)(?:\.(\d+))?")
_LATEST = re.compile(r"gemini-(?:pro|flash|flash-lite)-latest")
_NEWEST = (3, 0)  # what '-latest' is at least


class Budget(NamedTuple):
    """Tokens for thinking: https://ai.google.dev/gemini-api/docs/thinking (November 2026)."""

    least: int
    most: int
    can_be_off: bool


@lru_cache(64)
def generation(model: str) -> tuple[int, int]:
    """(2, 5) for 'models/gemini-2.5-flash'; (0, 0) for what is no Gemini, Gemma among others."""
    if found := _GENERATION.search(model):
        return int(found[1]), int(found[2] or 0)
    return _NEWEST if _LATEST.search(model) else (0, 0)


def takes_json_schema(model: str) -> bool:
    """Whether `parametersJsonSchema` and `responseJsonSchema` are understood.

    Gemini 2.0 and later answer to both on either endpoint; what came before, and Gemma, only know the OpenAPI subset.
    """
    return generation(model) >= (2, 0)


def wants_signatures(model: str) -> bool:
    """Gemini 3 and later answer 400 to a history whose first function call of a step is unsigned."""
    return generation(model) >= (3, 0)


def mixes_tools(model: str) -> bool:
    """Whether functions, the provider's own tools and a form for the answer may stand in one request."""
    return generation(model) >= (3, 0)


def speaks_in(model: str, modality: str) -> bool:
    """Images and sound come from models that are named for them; all others refuse to be asked."""
    marks = {"image": ("image",), "audio": ("tts", "audio")}.get(modality, ("",))
    return any(mark in model for mark in marks) and modality in {"text", "image", "audio"}


def takes_media_results(model: str) -> bool:
    """Whether a function's response may hold images and documents."""
    return generation(model) >= (3, 0)


def thinks_in_levels(model: str) -> bool:
    """`thinkingLevel`, where 2.5 has `thinkingBudget`; to say both is an error."""
    return generation(model) >= (3, 0)


def can_think(model: str) -> bool:
    return generation(model) >= (2, 5)


def levels(model: str) -> tuple[str, ...]:
    """The levels of a Gemini 3, from the least."""
    if "pro" in model:
        return ("low", "high") if generation(model) == (3, 0) else ("low", "medium", "high")
    return ("minimal", "low", "medium", "high")


def budget(model: str) -> Budget:
    """Of a Gemini 2.5."""
    if "pro" in model:
        return Budget(128, 32_768, can_be_off=False)
    return Budget(512 if "lite" in model else 1, 24_576, can_be_off=True)
