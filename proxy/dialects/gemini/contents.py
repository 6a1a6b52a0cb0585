"""Messages → `systemInstruction` and `contents`: turns that alternate, with every result right behind its calls."""

from typing import Any

from proxy.canonical.parts import Part, Text, ToolCall, ToolResult
from proxy.canonical.request import Message, Request
from proxy.dialects.gemini.models import generation, takes_media_results, wants_signatures
from proxy.dialects.gemini.parts_out import render_parts, render_result
from proxy.dialects.losses import Losses

# Base64 of 'skip_thought_signature_validator', which Google names for histories that another model made:
# https://ai.google.dev/gemini-api/docs/thought-signatures (November 2026)
FOREIGN_SIGNATURE = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="

Contents = list[dict[str, Any]]
_LEADING = {"system", "developer"}


def render_contents(request: Request, losses: Losses) -> tuple[list[dict[str, Any]], Contents]:
    """The parts of the system instruction, and the contents."""
    messages = request.messages
    lead = next((at for at, one in enumerate(messages) if one.role not in _LEADING), len(messages))
    system = [part for message in messages[:lead] for part in render_parts(message.parts, losses)]
    contents: Contents = []
    names = {part.id: part.name for one in messages for part in one.parts if isinstance(part, ToolCall)}
    for message in messages[lead:]:
        _add(_render_message(message, request, losses, names), contents)
        _note_extra(message, request, losses)
    for message in messages[:lead]:
        _note_extra(message, request, losses)
    if (
        system and not contents and request.dialect != "gemini"
    ):  # an instruction alone is refused where nothing is asked
        return [], [{"role": "user", "parts": system}]
    is_unasked = bool(contents) and contents[0]["role"] == "model"
    if (messages and not contents) or (is_unasked and (request.dialect != "gemini" or messages[lead].role == "user")):
        # An empty question is taken as it is, where none, or a call that nobody asked for, is refused.
        contents.insert(0, {"role": "user", "parts": [{"text": ""}]})
    _order_results(contents, request)
    if wants_signatures(request.model):
        _sign_foreign(contents)
    return system, contents


def _render_message(message: Message, request: Request, losses: Losses, names: dict[str, str]) -> dict[str, Any]:
    if message.role in _LEADING:
        parts: list[Part] = [
            Text(f"[system] {part.text}") if isinstance(part, Text) else part for part in message.parts
        ]
        return {"role": "user", "parts": render_parts(parts, losses)}
    knows_resolution = generation(request.model) >= (3, 0)
    rendered: list[dict[str, Any]] = []
    takes_media = takes_media_results(request.model)
    for part in message.parts:
        if isinstance(part, ToolResult):
            name = part.name or names.get(part.id) or part.id
            rendered.extend(render_result(part, name, losses, takes_media=takes_media))
    others: list[Part] = [part for part in message.parts if not isinstance(part, ToolResult)]
    rendered.extend(render_parts(others, losses, knows_resolution=knows_resolution))
    return {"role": "model" if message.role == "assistant" else "user", "parts": rendered}


def _note_extra(message: Message, request: Request, losses: Losses) -> None:
    if message.name:
        losses.add("messages.name", "Gemini knows no names of speakers.")
    for name in message.extra:
        if request.dialect != "gemini" or "[" in name:
            losses.add(f"messages.{name}", "There is no such member in a content of Gemini.")


def _add(content: dict[str, Any], contents: Contents) -> None:
    if not content["parts"]:
        return
    if contents and contents[-1]["role"] == content["role"]:
        contents[-1]["parts"].extend(content["parts"])
    else:
        contents.append(content)


def _order_results(contents: Contents, request: Request) -> None:
    """Results in the order of their calls: where there are no ids, Gemini tells them apart by it."""
    order = [part.id for one in request.messages for part in one.parts if isinstance(part, ToolCall)]
    results = [part.id for one in request.messages for part in one.parts if isinstance(part, ToolResult)]
    answered = set(results)
    if [call_id for call_id in order if call_id in answered] == results:
        return
    place = {call_id: at for at, call_id in enumerate(order)}
    waiting = iter(results)
    for content in contents:
        parts = content["parts"]
        slots = [at for at, part in enumerate(parts) if "functionResponse" in part]
        found = [(place.get(next(waiting), len(place)), parts[at]) for at in slots]
        for at, (_, part) in zip(slots, sorted(found, key=lambda pair: pair[0]), strict=True):
            parts[at] = part


def _sign_foreign(contents: Contents) -> None:
    """The first call of each step has a signature: its own, or the one that says that it has none."""
    for content in contents:
        first = next((part for part in content["parts"] if "functionCall" in part), None)
        if first is not None and content["role"] == "model" and "thoughtSignature" not in first:
            first["thoughtSignature"] = FOREIGN_SIGNATURE
