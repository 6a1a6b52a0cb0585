"""Messages of Cohere's chat → parts, in requests and in answers.

A tool plan is what the model thinks before it calls tools: thinking that stands outside of the content.
"""

from typing import Any

from proxy.canonical.parts import Citation, Media, Native, Part, Text, Thinking, ToolCall
from proxy.dialects.bedrock.blocks_in import json_text
from proxy.dialects.reading import member, text_of

PLAN = "tool_plan"  # the item that a plan is


def parse_message_parts(message: dict[str, Any]) -> list[Part]:
    """Plan, content, calls; citations go to the text that they are of."""
    parts: list[Part] = []
    if plan := text_of(message.get("tool_plan")):
        parts.append(Thinking(plan, made_by="cohere", item_id=PLAN))
    content = parse_content(message.get("content"))
    parts += content
    calls = message.get("tool_calls")
    parts += [parse_call(call) for call in (calls if isinstance(calls, list) else ()) if isinstance(call, dict)]
    add_citations(message.get("citations"), content, parts)
    return parts


def parse_content(content: object) -> list[Part]:
    if isinstance(content, str):
        return [Text(content)] if content else []
    return [parse_block(block) for block in (content if isinstance(content, list) else ()) if isinstance(block, dict)]


def parse_block(block: dict[str, Any]) -> Part:
    kind = block.get("type")
    if kind == "text" or (kind is None and isinstance(block.get("text"), str)):
        return Text(text_of(block.get("text")))
    if kind == "thinking":
        return Thinking(text_of(block.get("thinking")), made_by="cohere")
    if kind == "image_url":
        return _parse_image(block.get("image_url"))
    if kind == "document":
        return Native("cohere", block, _document_text(block.get("document")))
    return Native("cohere", block)


def parse_call(call: dict[str, Any]) -> ToolCall:
    function = call.get("function")
    arguments = member(function, "arguments")
    text = arguments if isinstance(arguments, str) else json_text(arguments)
    return ToolCall(text_of(call.get("id")), text_of(member(function, "name")), text or "{}")


def parse_citation(raw: dict[str, Any]) -> Citation:
    """Of its sources the first tells where it is from."""
    sources = raw.get("sources")
    source = sources[0] if isinstance(sources, list) and sources else None
    found = member(source, "document") or member(source, "tool_output")
    return Citation(
        "cohere",
        raw,
        url=text_of(member(found, "url")),
        title=text_of(member(found, "title")) or text_of(member(source, "id")),
        text=text_of(raw.get("text")),
    )


def add_citations(raw: object, content: list[Part], parts: list[Part]) -> None:
    """Those of a plan, or of no text at all, stay together as a block of their own."""
    homeless = []
    for one in raw if isinstance(raw, list) else ():
        if not isinstance(one, dict):
            continue
        if (text := cited_text(one, content)) is not None:
            text.citations.append(parse_citation(one))
        else:
            homeless.append(one)
    if homeless:
        parts.append(Native("cohere", {"citations": homeless}))


def cited_text(citation: dict[str, Any], content: list[Part]) -> Text | None:
    if citation.get("type") == "PLAN":
        return None
    index = citation.get("content_index")
    if isinstance(index, int) and 0 <= index < len(content) and isinstance(found := content[index], Text):
        return found
    return next((part for part in content if isinstance(part, Text)), None)


def _parse_image(image: object) -> Media:
    url = image if isinstance(image, str) else text_of(member(image, "url"))
    detail = text_of(member(image, "detail"))
    head, mark, data = url.partition(";base64,")
    if mark and head.startswith("data:"):
        return Media("image", head.removeprefix("data:"), data=data, detail=detail)
    return Media("image", url=url, detail=detail)


def _document_text(document: object) -> str:
    data = member(document, "data")
    if isinstance(data, str):
        return data
    return text_of(member(data, "text")) or (json_text(data) if isinstance(data, dict) else "")
