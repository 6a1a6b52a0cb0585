"""Whole answers, both ways."""

from collections.abc import Iterator, Mapping
from typing import Any

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.parts import Citation, Native, Part, Refusal, Text, Thinking, ToolCall
from proxy.dialects.anthropic.blocks_in import parse_block
from proxy.dialects.anthropic.blocks_out import block_kind, own_call_extra, parse_arguments
from proxy.dialects.anthropic.names import fit
from proxy.dialects.anthropic.stops import parse_stop, render_stop, render_stop_details
from proxy.dialects.anthropic.usage import parse_anthropic_usage, render_usage
from proxy.dialects.codec import Opening
from proxy.dialects.losses import Losses
from proxy.dialects.reading import member, text_of

_KNOWN = {"id", "type", "role", "model", "content", "stop_reason", "stop_sequence", "usage"}
_ANSWERED = {"text", "tool_use", "thinking", "redacted_thinking"}
_NO_PLACE = "Anthropic's messages have no place for it."


def parse_answer(body: Mapping[str, Any]) -> Answer:
    stop_reason, stop_sequence = body.get("stop_reason"), body.get("stop_sequence")
    choice = Choice(
        list(_parse_parts(body.get("content"))),
        parse_stop(stop_reason),
        text_of(stop_reason),
        stop_sequence if isinstance(stop_sequence, str) else None,
    )
    usage = body.get("usage")
    return Answer(
        "anthropic",
        text_of(body.get("id")),
        text_of(body.get("model")),
        choices=[choice],
        usage=parse_anthropic_usage(usage) if isinstance(usage, dict) else None,
        raw_usage=usage if isinstance(usage, dict) else {},
        rest={name: value for name, value in body.items() if name not in _KNOWN and value is not None},
    )


def _parse_parts(content: object) -> Iterator[Part]:
    for block in content if isinstance(content, list) else ():
        if isinstance(member(block, "type"), str):
            part = parse_block(block) if block["type"] in _ANSWERED else Native("anthropic", block)
            if not is_nothing(part):
                yield part


def is_nothing(part: Part) -> bool:
    """Empty text is left out: it says nothing, and is refused when a client sends it back."""
    match part:
        case Text(text="", citations=[]) | Thinking(text="", signature="", redacted=""):
            return True
    return False


def render_answer(answer: Answer, opening: Opening) -> dict[str, Any]:
    losses = Losses(opening.losses)
    choice = answer.choices[0] if answer.choices else Choice([])
    if len(answer.choices) > 1:
        losses.add("n", "Anthropic's messages hold one answer.")
    if choice.logprobs:
        losses.add("logprobs", _NO_PLACE)
    rendered: dict[str, Any] = {
        "id": message_id(answer.id, opening),
        "type": "message",
        "role": "assistant",
        "model": answer.model or opening.model,
        "content": [block for part in choice.parts if (block := render_answer_block(part, losses)) is not None],
        "stop_reason": render_stop(choice.stop, choice.native_stop),
        "stop_sequence": choice.stop_sequence,
        "usage": render_usage(answer.usage, answer.raw_usage),
    }
    if details := render_stop_details(choice.stop, choice.native_stop):
        rendered["stop_details"] = details
    return rendered | answer.rest if answer.dialect == "anthropic" else rendered


def message_id(answer_id: str, opening: Opening) -> str:
    """The provider's id where it looks like one of Anthropic's; else one made of it."""
    if answer_id.startswith("msg_"):
        return answer_id
    return "msg_" + fit(answer_id or opening.id or "answer")


def render_answer_block(part: Part, losses: Losses) -> dict[str, Any] | None:
    match part:
        case Text(text=text):
            block: dict[str, Any] = {"type": "text", "text": text}
            citations = [raw for one in part.citations if (raw := render_citation(one, losses)) is not None]
            return block | ({"citations": citations} if citations else {})
        case Refusal(text=text):
            return {"type": "text", "text": text}
        case ToolCall():
            return {
                "type": "tool_use",
                "id": part.id,
                "name": part.name,
                "input": parse_arguments(part)[0],
            } | own_call_extra(part.extra)
        case Thinking():
            return _render_thinking(part)
        case Native(dialect="anthropic", raw=raw):
            return raw
    tell_lost(part, losses)
    return None


def tell_lost(part: Part, losses: Losses) -> None:
    kind = getattr(part, "kind", "")
    if isinstance(part, Native):
        kind = block_kind(part.raw)
    losses.add(str(kind), _NO_PLACE)


def _render_thinking(thinking: Thinking) -> dict[str, Any] | None:
    """Signatures of others stay away: a client would send them back as Anthropic's."""
    is_own = thinking.made_by == "anthropic"
    if is_own and thinking.redacted:
        return {"type": "redacted_thinking", "data": thinking.redacted}
    if not thinking.text and not (is_own and thinking.signature):
        return None
    return {"type": "thinking", "thinking": thinking.text, "signature": thinking.signature if is_own else ""}


def render_citation(citation: Citation, losses: Losses) -> dict[str, Any] | None:
    """Whatever has an address is a search result; its empty index says that Anthropic did not find it."""
    if citation.dialect == "anthropic":
        return citation.raw
    if not citation.url:
        losses.add("citations", _NO_PLACE)
        return None
    return {
        "type": "web_search_result_location",
        "url": citation.url,
        "title": citation.title or None,
        "cited_text": citation.text,
        "encrypted_index": "",
    }
