"""Messages → `input` items of a request."""

import hashlib
from typing import Any

from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Message, Request
from proxy.dialects.losses import Losses, native_kind
from proxy.dialects.responses.grouping import grouped, reasoning_item
from proxy.dialects.responses.namespaces import inner_name, namespaces_of
from proxy.dialects.responses.output_items import own_call_extra
from proxy.dialects.responses.parts_out import PartsOut

LONGEST_CALL_ID = 64  # "Expected a string with maximum length 64" (api.openai.com, November 2026)

_Items = list[dict[str, Any]]


class ItemsOut:
    """Renders the messages of one request."""

    def __init__(self, request: Request, losses: Losses) -> None:
        self._is_own = request.dialect == "responses"
        self._losses = losses
        self._parts = PartsOut(request.dialect, losses)
        self._namespaces = namespaces_of(request)
        self._custom = {
            part.id
            for message in request.messages
            for part in message.parts
            if isinstance(part, ToolCall) and part.kind == "custom"
        }

    def render(self, messages: list[Message]) -> _Items:
        items = [item for message in messages for item in self._render_message(message)]
        if not items and messages:
            items.append({"role": "user", "content": ""})  # taken as it is, where no item is refused
        return items

    def _render_message(self, message: Message) -> _Items:
        if message.name:
            self._losses.add("messages.name", "Messages have no names here.")
        if not self._is_own:
            for name in message.extra:
                self._losses.add(f"messages.{name}", "Messages have no such member here.")
        if message.role == "assistant":
            return self._render_turn(message)
        items: _Items = []
        said: list[Part] = []
        for part in message.parts:
            item = self._render_standing_alone(part)
            if item is None:
                said.append(part)
            else:
                items.append(item)
        if said and (content := self._parts.render_content(said)):
            role = "user" if message.role == "tool" else message.role
            items.append({"role": role, "content": content, **(message.extra if self._is_own else {})})
        return items

    def _render_standing_alone(self, part: Part) -> dict[str, Any] | None:
        if isinstance(part, ToolResult):
            return self._render_result(part)
        if isinstance(part, Native) and part.dialect == "responses":
            return part.raw
        return None

    def _render_result(self, result: ToolResult) -> dict[str, Any]:
        if result.is_error:
            self._losses.add("is_error", "A tool's output has no mark for failure here; its text says it.")
        is_custom = result.kind == "custom" or result.id in self._custom
        return {
            "type": "custom_tool_call_output" if is_custom else "function_call_output",
            "call_id": short_call_id(result.id),
            "output": self._parts.render_output(result.parts),
        }

    def _render_turn(self, message: Message) -> _Items:
        return [item for group in grouped(message.parts) for item in self._render_group(group, message)]

    def _render_group(self, group: list[Part], message: Message) -> _Items:
        match group[0]:
            case Text() | Refusal():
                return [_message_item(group, message) if self._is_own else _plain_message(group)]
            case Thinking() as thinking:
                return self._render_thinking(group, thinking)
            case ToolCall() as call:
                return [self._render_call(call)]
            case Native(dialect="responses", raw=raw):
                return [raw]
            case Native(dialect=dialect, raw=raw):
                self._losses.add(native_kind(raw), f"Only {dialect} knows it.")
            case Media(kind="image", data=data, extra_of="responses") as media if data:
                return [image_item(media)]
            case Media(kind=kind):
                self._losses.add(kind, "The model's own turns hold no media here.")
        return []

    def _render_thinking(self, group: list[Part], first: Thinking) -> _Items:
        """Only what is encrypted is of use, but for a client of this API, whose item may be known by its id."""
        item = reasoning_item(group)
        if item is None or first.made_by != "responses":
            return []
        return [item] if self._is_own or "encrypted_content" in item else []

    def _render_call(self, call: ToolCall) -> dict[str, Any]:
        is_custom = call.kind == "custom"
        namespace = call.extra.get("namespace") or self._namespaces.get(call.name, "")
        item: dict[str, Any] = {"type": "custom_tool_call" if is_custom else "function_call"}
        if call.item_id and self._is_own:
            item["id"] = call.item_id
        item["call_id"] = short_call_id(call.id)
        item["name"] = inner_name(call.name, namespace)
        item["input" if is_custom else "arguments"] = call.arguments
        if namespace:
            item["namespace"] = namespace
        return {**item, **own_call_extra(call.extra)}


def _plain_message(group: list[Part]) -> dict[str, Any]:
    """One text: a message of parts has to have an id, and nobody else's model has one. Texts of a turn follow on."""
    return {"role": "assistant", "content": "".join(part.text for part in group if isinstance(part, Text | Refusal))}


def _message_item(group: list[Part], message: Message) -> dict[str, Any]:
    """The short form where nothing but one text is said and no id has to be kept."""
    kept = {name: value for name, value in (("id", message.item_id), ("phase", message.phase)) if value}
    first = group[0]
    if not kept and len(group) == 1 and isinstance(first, Text) and not first.citations:
        return {"role": "assistant", "content": first.text}
    content = [_said(part) for part in group if isinstance(part, Text | Refusal)]
    return {"type": "message", **kept, "role": "assistant", "status": "completed", "content": content}


def _said(part: Text | Refusal) -> dict[str, Any]:
    if isinstance(part, Refusal):
        return {"type": "refusal", "refusal": part.text}
    own = [citation.raw for citation in part.citations if citation.dialect == "responses"]
    return {"type": "output_text", "text": part.text, "annotations": own}


def image_item(media: Media) -> dict[str, Any]:
    extra = media.extra if media.extra_of == "responses" else {}
    return {"type": "image_generation_call", "status": "completed", "result": media.data, **extra}


def short_call_id(call_id: str) -> str:
    """A call's id, or a digest of it where it is too long: the same for the call and for its result."""
    if len(call_id) <= LONGEST_CALL_ID:
        return call_id
    return "call_" + hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).hexdigest()[:40]
