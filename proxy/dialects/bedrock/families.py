"""What a model's id tells of its maker, and what that maker's models take on Bedrock.

https://docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-supported-models-features.html and the pages
of each maker's parameters (November 2026). The ARN of an application profile, of provisioned throughput or of a router
tells nothing; such a model is asked like Claude, which most of them are.
"""

import re
from typing import Literal

Family = Literal["claude", "nova", "gpt-oss", "openai", "mistral", "llama", "deepseek", "other", ""]

_OPAQUE = re.compile(
    r":(application-inference-profile|provisioned-model|custom-model|custom-model-deployment|imported-model|"
    r"default-prompt-router|prompt-router|prompt|endpoint)/"
)
_MARKS: tuple[tuple[str, Family], ...] = (
    ("anthropic.", "claude"),
    ("claude", "claude"),
    ("amazon.nova", "nova"),
    ("openai.gpt-oss", "gpt-oss"),
    ("openai.", "openai"),
    ("mistral.", "mistral"),
    ("meta.", "llama"),
    ("deepseek.", "deepseek"),
)
_THINKING_NOVA = re.compile(r"nova-[2-9]")


def family_of(model: str) -> Family:
    """'' where the id tells nothing."""
    model = model.lower()
    for mark, family in _MARKS:
        if mark in model:
            return family
    return "" if _OPAQUE.search(model) or not model else "other"


def is_claude(model: str) -> bool:
    return family_of(model) in {"claude", ""}


def can_force_tools(model: str) -> bool:
    """Others take `auto` at most; Mistral can be made to call, but not what."""
    return family_of(model) in {"claude", "nova", "mistral", ""}


def can_name_tool(model: str) -> bool:
    return family_of(model) in {"claude", "nova", ""}


def has_cache_points(model: str) -> bool:
    """https://docs.aws.amazon.com/bedrock/latest/userguide/prompt-caching.html: others refuse them."""
    return family_of(model) in {"claude", "nova", ""}


def has_cache_points_on_tools(model: str) -> bool:
    return is_claude(model)


def is_thinking_nova(model: str) -> bool:
    return family_of(model) == "nova" and bool(_THINKING_NOVA.search(model.lower()))
