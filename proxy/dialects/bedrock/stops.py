"""Why an answer ended.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html (November 2026)
"""

from typing import Any

from proxy.canonical.answer import StopReason
from proxy.dialects.reading import member, text_of
from proxy.dialects.stop_words import StopWords

_MEANINGS: dict[str, StopReason] = {
    "end_turn": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "stop_sequence": "stop_sequence",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "malformed_model_output": "error",
    "malformed_tool_use": "error",
    "model_context_window_exceeded": "context_window",
    "refusal": "refusal",  # of Claude, which Bedrock hands through
    "pause_turn": "pause",
}
_WORDS: dict[StopReason, str] = {
    "stop": "end_turn",
    "tool_calls": "tool_use",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "content_filter": "content_filtered",
    "refusal": "content_filtered",
    "context_window": "model_context_window_exceeded",
    "pause": "end_turn",
    "error": "malformed_model_output",
}


_STOPS = StopWords(_MEANINGS, _WORDS)
parse_stop, render_stop = _STOPS.parse, _STOPS.render


def parse_stop_sequence(fields: Any) -> str | None:
    """It is told only where the request asked for it, in a place that depends on the model."""
    found = text_of(member(fields, "stop_sequence")) or text_of(member(member(fields, "delta"), "stop_sequence"))
    return found or None
