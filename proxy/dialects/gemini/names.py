"""Names of functions that Google accepts, made of those it does not: the same for the same, every time.

Letters, digits, '_', '.', ':' and '-', at most 64, no digit, dot or dash first:
https://ai.google.dev/api/caching#FunctionDeclaration (November 2026).
"""

import re
from hashlib import sha256

LONGEST_NAME = 64
_STRANGE = re.compile(r"[^a-zA-Z0-9_.:-]")
_FIRST = re.compile(r"[a-zA-Z_]")


def fit(name: str) -> str:
    """As it is where it fits; else cleaned, cut, and told apart from others by a digest."""
    clean = _STRANGE.sub("_", name)
    if not _FIRST.match(clean):
        clean = f"_{clean}"
    if clean == name and len(name) <= LONGEST_NAME:
        return name
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{clean[: LONGEST_NAME - 9]}_{digest}"
