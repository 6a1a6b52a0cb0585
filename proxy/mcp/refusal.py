"""Our own answers in JSON-RPC.

`code` is -32000 for what the caller can mend and -32603 for what it cannot; `data.code` is the stable word of
`pointsman.contract.ErrorCode`. (-32020 to -32099 belong to the protocol, -32002 and -32042 must not be used.)
"""

from typing import Any

from proxy.errors import CallerFault, ProxyError
from proxy.mcp.envelope import INTERNAL_ERROR, render_error

REFUSED = -32000


def render_refusal(request_id: Any, error: ProxyError, call_id: str) -> bytes:
    """The JSON-RPC error for an error of ours."""
    code = REFUSED if isinstance(error, CallerFault) else INTERNAL_ERROR
    return render_error(request_id, code, error.sentence, {"code": str(error.code), "request_id": call_id})
