"""Items of the model's turn → parts: the same in an answer and in the history of a request.

What is not a message, reasoning, a call of the client's tools or an image stays as it is: a `Native`.
"""

from typing import Any

import orjson

from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall
from proxy.dialects.reading import member, text_of
from proxy.dialects.responses.namespaces import flat_name
from proxy.dialects.responses.parts_in import list_of, parse_text

_CALL_MEMBERS = {"type", "id", "call_id", "name", "arguments", "input", "status"}
_IMAGE_MEMBERS = {"type", "id", "status", "result"}


def parse_output_item(item: dict[str, Any]) -> list[Part]:
    """Never fails: a provider's answer is read as far as it can be."""
    kind = text_of(item.get("type"))
    if kind == "message":
        return _parse_message(item)
    if kind == "reasoning":
        return parse_reasoning(item)
    if kind in {"function_call", "custom_tool_call"}:
        return [parse_call(item)]
    if kind == "image_generation_call" and isinstance(item.get("result"), str) and item["result"]:
        return [parse_image(item)]
    return [parse_native(item)]


def _parse_message(item: dict[str, Any]) -> list[Part]:
    content = item.get("content")
    if isinstance(content, str):
        return [Text(content)]
    parts = list_of(content)
    return [one for part in parts if isinstance(part, dict) for one in (parse_message_part(part),) if one is not None]


def parse_message_part(part: dict[str, Any]) -> Text | Refusal | None:
    """None for one that says nothing."""
    if part.get("type") == "refusal":
        return Refusal(text_of(part.get("refusal")))
    text = parse_text(part)
    return text if text.text or text.citations else None


def parse_reasoning(item: dict[str, Any]) -> list[Part]:
    """A part for each paragraph of the summary or of the text; the last one carries what is encrypted."""
    identity = text_of(item.get("id"))
    found = [
        Thinking(text, made_by="responses", item_id=identity, is_summary=name == "summary")
        for name in ("summary", "content")
        for piece in list_of(item.get(name))
        if (text := text_of(member(piece, "text")))
    ] or [Thinking(made_by="responses", item_id=identity)]
    found[-1].signature = text_of(item.get("encrypted_content"))
    return list(found)


def parse_call(item: dict[str, Any]) -> ToolCall:
    is_custom = item.get("type") == "custom_tool_call"
    arguments = item.get("input" if is_custom else "arguments")
    if arguments is not None and not isinstance(arguments, str):
        arguments = orjson.dumps(arguments).decode()
    return ToolCall(
        text_of(item.get("call_id")) or text_of(item.get("id")),
        call_name(item),
        (arguments or "") if is_custom else (arguments or "{}"),
        "custom" if is_custom else "function",
        item_id=text_of(item.get("id")),
        extra=call_extra(item),
    )


def call_name(item: dict[str, Any]) -> str:
    return flat_name(text_of(item.get("namespace")), text_of(item.get("name")))


def call_extra(item: dict[str, Any]) -> dict[str, Any]:
    """The namespace, and who called when it was not the model itself."""
    return {name: value for name, value in item.items() if name not in _CALL_MEMBERS and value is not None}


def parse_image(item: dict[str, Any]) -> Media:
    extra = {name: value for name, value in item.items() if name not in _IMAGE_MEMBERS and value is not None}
    return Media(
        "image",
        f"image/{text_of(item.get('output_format')) or 'png'}",
        item["result"],
        extra={"id": text_of(item.get("id")), **extra},
        extra_of="responses",
    )


def parse_native(item: dict[str, Any]) -> Native:
    """To other dialects only what the client's own tools put out is worth its text: the model waits for it."""
    kind, output = text_of(item.get("type")), item.get("output")
    return Native("responses", item, text_of(output) if kind.endswith("_output") else "")


def own_call_extra(extra: dict[str, Any]) -> dict[str, Any]:
    """What this API itself says of a call: Anthropic has callers, too, and they are others."""
    is_own = text_of(member(extra.get("caller"), "type")) in {"direct", "program"}
    return {"caller": extra["caller"]} if is_own else {}
