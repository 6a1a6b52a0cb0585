"""Ids and names that Bedrock accepts, made of those it does not: the same for the same, every time.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ToolUseBlock.html (November 2026): names of tools
are [a-zA-Z0-9_-]{1,64}, ids of calls [a-zA-Z0-9_.:-]{1,64}.
"""

import re

from proxy.dialects import naming
from proxy.dialects.anthropic.names import fit

LONGEST_ID = 64
_STRANGE = re.compile(r"[^a-zA-Z0-9_.:-]")

fit_name = fit  # Anthropic's rule is the same, and so are the names that come of it


def fit_call_id(call_id: str) -> str:
    return naming.fit(call_id, _STRANGE.sub("_", call_id), LONGEST_ID, digits=12)
