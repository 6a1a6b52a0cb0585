"""Ids and names that Bedrock accepts, made of those it does not: the same for the same, every time.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html (November 2026): names of tools
are [a-zA-Z0-9_-]{1,64}, ids of calls [a-zA-Z0-9_.:-]{1,64}.
"""

import re
from hashlib import sha256

from proxy.dialects.anthropic.names import fit

LONGEST_ID = 64
_STRANGE = re.compile(r"[^a-zA-Z0-9_.:-]")

fit_name = fit  # Anthropic's rule is the same, and so are the names that come of it


def fit_call_id(call_id: str) -> str:
    clean = _STRANGE.sub("_", call_id)
    if clean == call_id and 0 < len(call_id) <= LONGEST_ID:
        return call_id
    digest = sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"{clean[: LONGEST_ID - 13]}_{digest}"
