"""Ids and names that OpenAI accepts, made of those it does not: the same for the same, every time."""

import re
from hashlib import sha256

LONGEST_NAME = 64  # https://platform.openai.com/docs/api-reference/chat/create: a-z, A-Z, 0-9, _ and -, at most 64
LONGEST_CALL_ID = 40  # by the error text 'string too long. Expected a string with maximum length 40'
_STRANGE = re.compile(r"[^a-zA-Z0-9_-]")


def fit_name(name: str) -> str:
    """As it is where it fits; else cleaned, cut, and told apart from others by a digest."""
    clean = _STRANGE.sub("_", name)
    if clean == name and 0 < len(name) <= LONGEST_NAME:
        return name
    return f"{clean[: LONGEST_NAME - 9]}_{_digest(name)[:8]}"


def fit_call_id(call_id: str) -> str:
    return call_id if 0 < len(call_id) <= LONGEST_CALL_ID else f"call_{_digest(call_id)[:32]}"


def _digest(text: str) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
