"""Why an answer ended: https://docs.cohere.com/reference/chat#response (November 2026). v1's words are read as well."""

from proxy.canonical.answer import StopReason
from proxy.dialects.stop_words import StopWords

_MEANINGS: dict[str, StopReason] = {
    "COMPLETE": "stop",
    "STOP_SEQUENCE": "stop_sequence",
    "MAX_TOKENS": "length",
    "TOOL_CALL": "tool_calls",
    "ERROR": "error",
    "TIMEOUT": "error",
    "USER_CANCEL": "error",
    "ERROR_TOXIC": "content_filter",
    "ERROR_LIMIT": "context_window",
}
_WORDS: dict[StopReason, str] = {
    "stop": "COMPLETE",
    "stop_sequence": "STOP_SEQUENCE",
    "length": "MAX_TOKENS",
    "context_window": "MAX_TOKENS",  # v2 has no word of its own for it
    "tool_calls": "TOOL_CALL",
    "content_filter": "ERROR_TOXIC",
    "refusal": "COMPLETE",
    "pause": "COMPLETE",
    "error": "ERROR",
}


_STOPS = StopWords(_MEANINGS, _WORDS)
parse_stop, render_stop = _STOPS.parse, _STOPS.render
