"""Guard: what must hold of a request before it may cost anything. So far: that it is well-formed."""

import msgspec

from proxy.call import Call
from proxy.errors import NO_MODEL, InvalidRequest, UnknownModel
from proxy.heads import read_head


def guard(call: Call) -> None:
    """Parses the members the proxy needs. Raises InvalidRequest (400) or UnknownModel (404, no model named)."""
    where = call.where
    try:
        call.head = read_head(call.body, where, call.headers)
    except msgspec.ValidationError as cause:
        raise InvalidRequest(f"The request is not what this endpoint takes: {cause}.") from cause
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as cause:
        raise InvalidRequest(f"The request is not valid JSON: {cause}.") from cause
    model = call.head.model
    if isinstance(model, str) and model:
        call.model = model
    elif where.operation != "other" and where.dialect != "responses":  # there a template may name it, kept at OpenAI
        raise UnknownModel(NO_MODEL)
