"""Ids and names that Anthropic accepts, made of those it does not: the same for the same, every time."""

import re

from proxy.dialects import naming

# https://platform.claude.com/docs/en/agents-and-tools/tool-use/define-tools (November 2026): ^[a-zA-Z0-9_-]{1,128}$.
# Hosts of older models accept 64.
LONGEST_NAME = 64
_STRANGE = re.compile(r"[^a-zA-Z0-9_-]")


def fit(name: str) -> str:
    return naming.fit(name, _STRANGE.sub("_", name), LONGEST_NAME)


def fit_call_id(call_id: str) -> str:
    """Ids have no known limit of length, and long ones hold what other providers want back."""
    return call_id if call_id and not _STRANGE.search(call_id) else fit(call_id)
