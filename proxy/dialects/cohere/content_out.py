"""The hub's turns → messages of Cohere's chat."""

from base64 import b64decode
from typing import Any

from proxy.canonical.parts import Citation, Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Message, Request
from proxy.dialects.cohere.content_in import PLAN
from proxy.dialects.losses import Losses

Block = dict[str, Any]


def render_messages(request: Request, losses: Losses) -> tuple[list[Block], list[Block]]:
    """Messages, and the documents among what users said, which Cohere wants beside them."""
    messages: list[Block] = []
    documents: list[Block] = []
    for message in request.messages:
        if message.name:
            losses.add("name", "Cohere's messages bear no names.")
        for name in message.extra if request.dialect != "cohere" else ():
            losses.add(name, "Cohere's messages have no such member.")
        match message.role:
            case "tool":
                messages += _render_results(message, losses)
            case "assistant":
                messages.append({**message.extra, **render_assistant(message.parts, losses)})
            case _:
                role = "user" if message.role == "user" else "system"
                content = _render_content(message.parts, documents, losses)
                messages.append({**message.extra, "role": role, "content": content})
    return messages, documents


def render_assistant(parts: list[Part], losses: Losses) -> Block:
    """Thinking that another provider made is left out: it is worth nothing here."""
    message: Block = {"role": "assistant"}
    content, citations = [], []
    for part in parts:
        if isinstance(part, ToolCall):
            message.setdefault("tool_calls", []).append(_render_call(part, losses))
        elif isinstance(part, Thinking) and part.item_id == PLAN:
            message["tool_plan"] = message.get("tool_plan", "") + part.text
        elif isinstance(part, Native) and part.dialect == "cohere" and "citations" in part.raw:
            citations += part.raw["citations"]
        else:
            if isinstance(part, Text):
                citations += own_citations(part.citations, losses)
            content += _render_said(part, losses)
    if content:
        message["content"] = content
    if citations:
        message["citations"] = citations
    return message if len(message) > 1 else {"role": "assistant", "content": ""}


def own_citations(citations: list[Citation], losses: Losses) -> list[Block]:
    own = [citation.raw for citation in citations if citation.dialect == "cohere"]
    if len(own) < len(citations):
        losses.add("citations", "Cohere takes only citations of its own.")
    return own


def _render_said(part: Part, losses: Losses) -> list[Block]:
    match part:
        case Text(text=text):
            return [{"type": "text", "text": text}] if text else []
        case Refusal(text=text):
            return [{"type": "text", "text": text}]
        case Thinking(text=text, made_by=made_by):
            return [{"type": "thinking", "thinking": text}] if made_by == "cohere" else []
        case Native():
            return _render_native(part, losses)
    losses.add("content", "Cohere's assistant says text only.")
    return []


def _render_native(part: Native, losses: Losses) -> list[Block]:
    if part.dialect == "cohere":
        return [part.raw]
    kind = str(part.raw.get("type") or "block")
    losses.add(kind, "Cohere has no such block" + ("; its text is sent." if part.text else "."))
    return [{"type": "text", "text": part.text}] if part.text else []


def _render_call(part: ToolCall, losses: Losses) -> Block:
    if part.kind == "custom":
        losses.add("tools.custom", "Cohere's tools take JSON only: free text goes as a JSON string.")
    return {"id": part.id, "type": "function", "function": {"name": part.name, "arguments": part.arguments or "{}"}}


def _render_content(parts: list[Part], documents: list[Block], losses: Losses) -> str | list[Block]:
    """A plain string where there is but one text, as most clients write it."""
    blocks: list[Block] = []
    for part in parts:
        if isinstance(part, Media):
            blocks += _render_media(part, documents, losses)
        else:
            blocks += _render_said(part, losses)
    if len(blocks) == 1 and set(blocks[0]) == {"type", "text"}:
        return str(blocks[0]["text"])
    return blocks or ""


def _render_media(part: Media, documents: list[Block] | None, losses: Losses) -> list[Block]:
    for name in part.extra:
        losses.add(name, "Cohere's media have no such member.")
    if part.kind == "image" and (part.data or part.url.startswith(("http", "data:"))) and documents is not None:
        url = f"data:{part.media_type or 'image/png'};base64,{part.data}" if part.data else part.url
        image = {"url": url, "detail": part.detail} if part.detail else {"url": url}
        return [{"type": "image_url", "image_url": image}]
    if part.kind == "document" and documents is not None and (text := _plain_text(part)):
        documents.append({"id": f"doc_{len(documents)}", "data": {"title": part.name or "document", "text": text}})
        return []
    losses.add(part.kind, f"Cohere takes no {part.kind} of this kind here; its name is told in words.")
    return [{"type": "text", "text": f"[{part.kind}: {part.name or part.url or part.media_type or 'not sent'}]"}]


def _plain_text(part: Media) -> str:
    if part.text:
        return part.text
    if not part.data or not part.media_type.startswith(("text/", "application/json")):
        return ""
    try:
        return b64decode(part.data).decode()
    except ValueError:
        return ""


def _render_results(message: Message, losses: Losses) -> list[Block]:
    rendered: list[Block] = []
    for part in message.parts:
        if not isinstance(part, ToolResult):
            losses.add("content", "Cohere's tool messages hold results only.")
            continue
        if part.is_error:
            losses.add("is_error", "Cohere's tool results do not say that they are errors.")
        rendered.append({"role": "tool", "tool_call_id": part.id, "content": _render_output(part.parts, losses)})
    return rendered


def _render_output(parts: list[Part], losses: Losses) -> str | list[Block]:
    blocks: list[Block] = []
    for part in parts:
        blocks += _render_media(part, None, losses) if isinstance(part, Media) else _render_said(part, losses)
    if len(blocks) == 1 and blocks[0].get("type") == "text":
        return str(blocks[0]["text"])
    return blocks or ""
