"""Why an answer ended: Anthropic's words and ours."""

from proxy.canonical.answer import StopReason
from proxy.dialects.stop_words import StopWords

_FROM_WIRE: dict[str, StopReason] = {
    "end_turn": "stop",
    "stop_sequence": "stop_sequence",
    "max_tokens": "length",
    "model_context_window_exceeded": "context_window",
    "tool_use": "tool_calls",
    "refusal": "refusal",
    "pause_turn": "pause",
    "compaction": "pause",  # the summary is made, the turn is to be continued with it
}
_TO_WIRE: dict[StopReason, str] = {
    "stop": "end_turn",
    "stop_sequence": "stop_sequence",
    "length": "max_tokens",
    "context_window": "model_context_window_exceeded",
    "tool_calls": "tool_use",
    "content_filter": "refusal",
    "refusal": "refusal",
    "pause": "pause_turn",
    "error": "refusal",  # the only word that tells a client not to trust the answer; `stop_details` says why
}


_STOPS = StopWords(_FROM_WIRE, _TO_WIRE)
parse_stop, render_stop = _STOPS.parse, _STOPS.render


def render_stop_details(stop: StopReason, native_stop: str) -> dict[str, str | None] | None:
    """What a refusal is about, where the model itself did not refuse."""
    if stop not in {"error", "content_filter"} or _STOPS.is_own(stop, native_stop):
        return None
    reason = "The provider broke off the answer" if stop == "error" else "A filter of the provider ended the answer"
    return {
        "type": "refusal",
        "category": None,
        "explanation": f"{reason}: {native_stop}" if native_stop else f"{reason}.",
    }
