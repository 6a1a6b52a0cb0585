"""The `response` object without its output: who answers, and an echo of what was asked, as clients expect it."""

import re
from typing import Any

from proxy.canonical.parts import Text
from proxy.canonical.request import Request
from proxy.dialects.codec import Opening
from proxy.dialects.losses import Losses
from proxy.dialects.responses.requests_out import render_text
from proxy.dialects.responses.tools_out import render_tool_choice, render_tools

_ILLEGAL = re.compile(r"[^A-Za-z0-9_-]+")
_ECHOED = (
    "background", "conversation", "max_tool_calls", "metadata", "previous_response_id", "prompt", "prompt_cache_key",
    "safety_identifier", "store", "truncation",
)  # fmt: skip
_DEFAULTS: dict[str, Any] = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "service_tier": None,
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}


def response_id(given: str, opening: Opening, *, is_own: bool = False) -> str:
    """An id of this API passes. Others are not unique everywhere, and answers are kept by theirs: ours takes its place.

    Answers in this dialect keep any id, since not all its providers say `resp_`.
    """
    if given.startswith("resp_") or (is_own and given):
        return given
    return "resp_" + (_ILLEGAL.sub("_", opening.id or given).removeprefix("resp_") or "0")


def item_id(prefix: str, response: str, index: int) -> str:
    """Tells the answer and the place in it: `msg_<answer>_<index>`, which `proxy/conversations.py` reads back."""
    return f"{prefix}_{response.removeprefix('resp_')}_{index}"


def response_skeleton(identity: str, model: str, created: int, request: Request | None) -> dict[str, Any]:
    """Status, output and usage are for whoever asked."""
    return {
        "id": identity,
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "error": None,
        "incomplete_details": None,
        "model": model,
        "output": [],
        "usage": None,
        **_DEFAULTS,
        **(_echo(request) if request is not None else {}),
    }


def _echo(request: Request) -> dict[str, Any]:
    losses = Losses()  # the request's own renderer has said them
    echo: dict[str, Any] = {
        "instructions": _instructions(request),
        "max_output_tokens": request.max_tokens,
        "parallel_tool_calls": request.is_parallel,
        "reasoning": _reasoning(request),
        "service_tier": request.service_tier,
        "temperature": request.temperature,
        "text": {"format": {"type": "text"}, **(render_text(request) or {})},
        "tool_choice": render_tool_choice(request, losses),
        "tools": render_tools(request, losses),
        "top_p": request.top_p,
        "user": request.user,
    }
    if request.dialect == "responses":
        kept = request.rest | request.hints
        echo.update({name: kept[name] for name in _ECHOED if name in kept})
    return {name: value for name, value in echo.items() if value is not None and value != ""}


def _instructions(request: Request) -> str | None:
    first = request.messages[0] if request.messages else None
    if first is None or first.role != "system" or len(first.parts) != 1:
        return None
    return first.parts[0].text if isinstance(first.parts[0], Text) else None


def _reasoning(request: Request) -> dict[str, Any] | None:
    said = request.reasoning
    return {"effort": said.effort, "summary": said.summary or None} if said is not None else None
