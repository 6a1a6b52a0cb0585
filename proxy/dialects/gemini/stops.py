"""Why an answer ended. https://ai.google.dev/api/generate-content#FinishReason (November 2026).

A turn that calls functions ends with STOP like any other. What is no ordinary end is never one here: a call that could
not be read, a language that is not supported, an image that was not made are errors.
"""

from proxy.canonical.answer import StopReason

_STOPS: dict[str, StopReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "JAILBREAK": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "LANGUAGE": "error",
    "OTHER": "error",
    "MALFORMED_FUNCTION_CALL": "error",
    "MALFORMED_RESPONSE": "error",
    "UNEXPECTED_TOOL_CALL": "error",
    "TOO_MANY_TOOL_CALLS": "error",
    "MISSING_THOUGHT_SIGNATURE": "error",
    "NO_IMAGE": "error",
    "IMAGE_OTHER": "error",
    "FINISH_REASON_UNSPECIFIED": "error",
}
# With `$alt=json;enum-encoding=int`, which Google's own proto clients ask for.
_NUMBERED = (
    "FINISH_REASON_UNSPECIFIED", "STOP", "MAX_TOKENS", "SAFETY", "RECITATION", "OTHER", "LANGUAGE", "BLOCKLIST",
    "PROHIBITED_CONTENT", "SPII", "MALFORMED_FUNCTION_CALL", "IMAGE_SAFETY", "UNEXPECTED_TOOL_CALL",
    "TOO_MANY_TOOL_CALLS",
)  # fmt: skip
_WORDS: dict[StopReason, str] = {
    "length": "MAX_TOKENS",
    "context_window": "MAX_TOKENS",
    "content_filter": "SAFETY",
    "refusal": "SAFETY",
    "error": "OTHER",
}


def finish_word(value: object) -> str:
    """The reason as a word; '' for none."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return _NUMBERED[value] if 0 <= value < len(_NUMBERED) else "OTHER"
    return ""


def parse_stop(word: str, *, has_calls: bool) -> StopReason:
    """A word that nobody knows yet is an error rather than a good end."""
    if word == "STOP":
        return "tool_calls" if has_calls else "stop"
    return _STOPS.get(word, "error")


def render_stop(stop: StopReason, native: str) -> tuple[str, str]:
    """`finishReason` and `finishMessage`; the second one says what the first one cannot."""
    if native in _STOPS and parse_stop(native, has_calls=stop == "tool_calls") == stop:
        return native, ""
    word = _WORDS.get(stop, "STOP")
    is_plain = stop in {"stop", "length", "tool_calls"}
    return word, "" if is_plain else (native or stop)
