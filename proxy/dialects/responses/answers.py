"""A whole `response` ↔ `Answer`."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall
from proxy.canonical.request import Request
from proxy.dialects.codec import Opening
from proxy.dialects.losses import Losses, native_kind
from proxy.dialects.reading import count_of, member, text_of
from proxy.dialects.responses.citations import render_annotation
from proxy.dialects.responses.custom_calls import custom_names, free_text
from proxy.dialects.responses.foreign_searches import is_search, search_item
from proxy.dialects.responses.grouping import grouped, reasoning_item
from proxy.dialects.responses.items_out import image_item
from proxy.dialects.responses.namespaces import inner_name, namespaces_of
from proxy.dialects.responses.output_items import own_call_extra, parse_output_item
from proxy.dialects.responses.parts_in import list_of
from proxy.dialects.responses.skeleton import item_id, response_id, response_skeleton
from proxy.dialects.responses.stops import has_calls, has_refusal, native_member, parse_stop, render_stop
from proxy.dialects.responses.usage import parse_usage_of, render_usage

KEPT = ("service_tier", "moderation", "billing", "tool_usage", "content_filters", "error")  # of an answer, in `rest`


def parse_answer(body: Mapping[str, Any]) -> Answer:
    """A failed one has the stop 'error'; `parse_failure` reads why."""
    response = dict(body)
    items = [item for item in list_of(response.get("output")) if isinstance(item, dict)]
    parts = [part for item in items for part in parse_output_item(item)]
    stop, native_stop = parse_stop(response, has_calls=has_calls(parts), has_refusal=has_refusal(parts))
    usage = response.get("usage")
    return Answer(
        "responses",
        text_of(response.get("id")),
        text_of(response.get("model")),
        count_of(response.get("created_at")),
        [Choice(parts, stop, native_stop, logprobs=_logprobs(items))],
        parse_usage_of(response) if isinstance(usage, dict) else None,
        usage if isinstance(usage, dict) else {},
        kept_members(response),
    )


def kept_members(response: Mapping[str, Any]) -> dict[str, Any]:
    return {name: response[name] for name in KEPT if response.get(name) is not None}


def _logprobs(items: list[dict[str, Any]]) -> list[Any] | None:
    parts = [part for item in items for part in list_of(item.get("content"))]
    return [one for part in parts for one in list_of(member(part, "logprobs"))] or None


def render_answer(answer: Answer, opening: Opening) -> dict[str, Any]:
    losses = Losses(opening.losses)
    if len(answer.choices) > 1:
        losses.add("n", "This API has one answer; the first one is given.")
    is_own = answer.dialect == "responses"
    identity = response_id(answer.id, opening, is_own=is_own)
    response = response_skeleton(
        identity, answer.model or opening.model, answer.created or opening.created, opening.request
    )
    choice = answer.choices[0] if answer.choices else Choice([])
    ending = render_stop(choice.stop, choice.native_stop, has_refusal=has_refusal(choice.parts))
    response["status"] = ending.status
    if ending.reason:
        response["incomplete_details"] = {"reason": ending.reason}
    response.update(native_member(choice.native_stop))
    if ending.status == "failed":
        response["error"] = {"code": "server_error", "message": choice.native_stop or "The provider gave up."}
    item_status = "incomplete" if ending.status == "incomplete" else "completed"
    output = OutputItems(identity, opening.request, losses, item_status)
    response["output"] = output.render(choice.parts, choice.logprobs)
    if answer.usage is not None:
        response["usage"] = answer.raw_usage if is_own and answer.raw_usage else render_usage(answer.usage)
    if is_own:
        response.update(answer.rest)
    return response


def _says_nothing(part: Part) -> bool:
    return isinstance(part, Text) and not part.text and not part.citations


class OutputItems:
    """Renders the items of one answer, with ids that tell the answer and the place in it."""

    def __init__(self, identity: str, request: Request | None, losses: Losses, status: str = "completed") -> None:
        self._identity = identity
        self._losses = losses
        self._status = status
        self._namespaces = namespaces_of(request)
        self._custom = custom_names(request)

    def render(self, parts: list[Part], logprobs: list[Any] | None = None) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        for group in grouped(part for part in parts if not _says_nothing(part)):
            item = self.render_group(group, len(items), logprobs)
            if item is not None:
                items.append(item)
                if item["type"] == "message":
                    logprobs = None  # they are one list for the whole answer
        return items

    def render_group(self, group: list[Part], index: int, logprobs: list[Any] | None = None) -> dict[str, Any] | None:
        match group[0]:
            case Text() | Refusal():
                return self._message(group, index, logprobs)
            case Thinking():
                return reasoning_item(group, item_id("rs", self._identity, index))
            case ToolCall() as call:
                return self.render_call(call, index)
            case Native(dialect="responses", raw=raw):
                return raw
            case Media(kind="image", data=data) as media if data:
                identity = {} if media.extra_of == "responses" else self._image_members(media, index)
                return {**image_item(media), **identity}
            case Native() as native if is_search(native):
                return search_item(native, item_id("ws", self._identity, index))
            case Native(dialect=dialect, raw=raw):
                self._losses.add(native_kind(raw), f"Only {dialect} knows it.")
            case Media(kind=kind):
                self._losses.add(kind, "This API's answers hold images made of bytes only.")
        return None

    def _image_members(self, media: Media, index: int) -> dict[str, Any]:
        return {
            "id": item_id("ig", self._identity, index),
            "output_format": media.media_type.rpartition("/")[2] or "png",
        }

    def _message(self, group: list[Part], index: int, logprobs: list[Any] | None) -> dict[str, Any]:
        content = [self.content_part(part) for part in group]
        if logprobs and content[0]["type"] == "output_text":
            content[0]["logprobs"] = logprobs
        return {
            "id": item_id("msg", self._identity, index),
            "type": "message",
            "status": self._status,
            "role": "assistant",
            "content": content,
        }

    def content_part(self, part: Part) -> dict[str, Any]:
        if isinstance(part, Refusal):
            return {"type": "refusal", "refusal": part.text}
        text, citations = (part.text, part.citations) if isinstance(part, Text) else ("", [])
        annotations = [render_annotation(citation, len(text)) for citation in citations]
        if None in annotations:
            self._losses.add("citations", "A source without an address has no place here.")
        said = [annotation for annotation in annotations if annotation is not None]
        return {"type": "output_text", "annotations": said, "logprobs": [], "text": text}

    def render_call(self, call: ToolCall, index: int) -> dict[str, Any]:
        is_custom = call.kind == "custom" or call.name in self._custom
        own = call.extra.get("namespace")
        namespace = own if isinstance(own, str) else self._namespaces.get(call.name, "")
        arguments = free_text(call.arguments) if is_custom and call.kind != "custom" else call.arguments
        return {
            "id": call.item_id or item_id("ctc" if is_custom else "fc", self._identity, index),
            "type": "custom_tool_call" if is_custom else "function_call",
            "status": "completed",
            "call_id": call.id,
            "name": inner_name(call.name, namespace),
            "input" if is_custom else "arguments": arguments,
            **({"namespace": namespace} if namespace else {}),
            **own_call_extra(call.extra),
        }
