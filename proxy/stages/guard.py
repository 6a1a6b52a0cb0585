"""Guard: what must hold of a request before it may cost anything. So far: that it is well-formed."""

import msgspec

from proxy.call import Call, Head
from proxy.errors import InvalidRequest, UnknownModel

_decode = msgspec.json.Decoder(Head).decode


def guard(call: Call) -> None:
    """Parses the members the proxy needs. Raises InvalidRequest (400) or UnknownModel (404, no model named)."""
    try:
        call.head = _decode(call.body)
    except msgspec.ValidationError as cause:
        raise InvalidRequest(f"The request is not what this endpoint takes: {cause}.") from cause
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as cause:
        raise InvalidRequest(f"The request is not valid JSON: {cause}.") from cause
    model = call.head.model
    if not isinstance(model, str) or not model:
        raise UnknownModel("The request names no model. Set 'model' to one of those that GET /v1/models lists.")
    call.model = model
