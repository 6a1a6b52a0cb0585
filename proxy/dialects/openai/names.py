"""Ids and names that OpenAI accepts, made of those it does not: the same for the same, every time."""

import re

from proxy.dialects import naming

LONGEST_NAME = 64  # https://platform.openai.com/docs/api-reference/chat/create: a-z, A-Z, 0-9, _ and -, at most 64
LONGEST_CALL_ID = 40  # by the error text 'string too long. Expected a string with maximum length 40'
_STRANGE = re.compile(r"[^a-zA-Z0-9_-]")


def fit_name(name: str) -> str:
    return naming.fit(name, _STRANGE.sub("_", name), LONGEST_NAME)


def fit_call_id(call_id: str) -> str:
    return call_id if 0 < len(call_id) <= LONGEST_CALL_ID else f"call_{naming.digest(call_id)[:32]}"
