"""Why an answer ended: `finish_reason` ↔ StopReason.

https://platform.openai.com/docs/api-reference/chat/object (November 2026); the words of others from their own pages.
"""

from proxy.canonical.answer import StopReason

_REASONS: dict[str, StopReason] = {
    "stop": "stop",
    "eos": "stop",  # Together
    "end_turn": "stop",  # Databricks and Snowflake hand on Claude's words
    "stop_sequence": "stop_sequence",
    "length": "length",
    "max_tokens": "length",
    "model_length": "context_window",  # Mistral
    "model_context_window_exceeded": "context_window",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "refusal",
    "pause_turn": "pause",
    "error": "error",  # Mistral, OpenRouter
    "insufficient_system_resource": "error",  # DeepSeek
    "abort": "error",  # vLLM
}
_WORDS: dict[StopReason, str] = {
    "stop": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "context_window": "length",
    "tool_calls": "tool_calls",
    "content_filter": "content_filter",
    "refusal": "content_filter",
    "pause": "stop",
    "error": "error",  # no word of OpenAI's own, but OpenRouter's: a plain stop would hide the failure
}


def parse_stop(finish_reason: object, native: object, *, has_calls: bool, has_refusal: bool) -> tuple[StopReason, str]:
    """The reason, and the provider's own word for it.

    A forced call ends with `stop`, and some providers end every call so: whoever asked has to run the tool.
    """
    word = finish_reason if isinstance(finish_reason, str) else ""
    known = native if isinstance(native, str) and native else word
    reason = _REASONS.get(word) or _REASONS.get(known, "stop")
    if reason == "stop":
        if has_calls:
            reason = "tool_calls"
        elif has_refusal:
            reason = "refusal"
        else:
            reason = _finer(known)
    elif reason == "content_filter" and _REASONS.get(known) == "refusal":
        reason = "refusal"
    elif reason == "length" and _REASONS.get(known) == "context_window":
        reason = "context_window"
    return reason, known


def _finer(native: str) -> StopReason:
    """What a router behind the provider called `stop` and the model's maker did not."""
    finer = _REASONS.get(native)
    return finer if finer in {"stop_sequence", "pause"} else "stop"


def render_stop(stop: StopReason, native_stop: str, *, has_refusal: bool, has_functions: bool) -> dict[str, str]:
    """`finish_reason`, and the provider's own word where it is another one."""
    word = _WORDS[stop]
    if has_functions and word == "tool_calls":
        word = "function_call"
    elif stop == "refusal" and has_refusal:
        word = "stop"
    if native_stop and native_stop != word:
        return {"finish_reason": word, "native_finish_reason": native_stop}
    return {"finish_reason": word}
