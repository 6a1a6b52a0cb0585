"""Names of functions that Google accepts, made of those it does not: the same for the same, every time.

Letters, digits, '_', '.', ':' and '-', at most 64, no digit, dot or dash first:
https://ai.google.dev/api/caching#FunctionDeclaration (November 2026).
"""

import re

from proxy.dialects import naming

LONGEST_NAME = 64
_STRANGE = re.compile(r"[^a-zA-Z0-9_.:-]")
_FIRST = re.compile(r"[a-zA-Z_]")


def fit(name: str) -> str:
    clean = _STRANGE.sub("_", name)
    if not _FIRST.match(clean):
        clean = f"_{clean}"
    return naming.fit(name, clean, LONGEST_NAME)
