"""`status`, `incomplete_details` and what was called ↔ why an answer ended."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from proxy.canonical.answer import StopReason
from proxy.canonical.parts import Part, Refusal, ToolCall
from proxy.dialects.reading import member, text_of

_INCOMPLETE: dict[str, StopReason] = {
    "max_output_tokens": "length",
    "max_tokens": "length",
    "max_messages": "pause",
    "content_filter": "content_filter",
}
_UNFINISHED = {"queued", "in_progress"}
_REASONS: dict[StopReason, str] = {
    "length": "max_output_tokens",
    "context_window": "max_output_tokens",
    "content_filter": "content_filter",
}


_OWN = {"completed", "incomplete", "failed", "cancelled", "stop", *_UNFINISHED, *_INCOMPLETE}


class Ending(NamedTuple):
    status: str
    reason: str = ""  # of incomplete_details


def parse_stop(response: dict[str, Any], *, has_calls: bool, has_refusal: bool) -> tuple[StopReason, str]:
    """The reason, and the provider's own word for it. An answer that refuses is complete here, and a refusal there."""
    status = text_of(response.get("status")) or "completed"
    if status == "incomplete":
        reason = text_of(member(response.get("incomplete_details"), "reason"))
        return _INCOMPLETE.get(reason, "length"), reason or status
    if status in _UNFINISHED:
        return "pause", status
    if status != "completed":
        return "error", text_of(member(response.get("error"), "code")) or status
    if has_calls:
        return "tool_calls", status
    return ("refusal" if has_refusal else "stop"), status


def render_stop(stop: StopReason, native_stop: str, *, has_refusal: bool) -> Ending:
    """A refusal that is said in words is a complete answer; one without words was filtered."""
    if stop == "pause" and native_stop in _UNFINISHED:
        return Ending(native_stop)
    if stop == "pause" and native_stop == "max_messages":
        return Ending("incomplete", native_stop)
    if stop == "refusal" and not has_refusal:
        return Ending("incomplete", "content_filter")
    if stop == "error":
        return Ending("failed")
    return Ending("incomplete", _REASONS[stop]) if stop in _REASONS else Ending("completed")


def native_member(native_stop: str) -> dict[str, str]:
    """Another provider's own word beside ours: it tells what a status hides."""
    return {"native_finish_reason": native_stop} if native_stop and native_stop not in _OWN else {}


def has_calls(parts: Iterable[Part]) -> bool:
    return any(isinstance(part, ToolCall) for part in parts)


def has_refusal(parts: Iterable[Part]) -> bool:
    return any(isinstance(part, Refusal) for part in parts)
