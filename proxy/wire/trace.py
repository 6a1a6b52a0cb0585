"""The trace that a caller's request belongs to, as it is kept with the call. Spans are made of it elsewhere."""

import re

# https://www.w3.org/TR/trace-context/#traceparent-header (2021-11-23): later versions may append fields.
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-[!-~]{0,100})?")


def kept_traceparent(given: object) -> str:
    """What was sent, if it has the form of a traceparent; else it is as if nothing had been sent: ''."""
    return given if isinstance(given, str) and _TRACEPARENT.fullmatch(given) else ""
