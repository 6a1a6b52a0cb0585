"""Reasoning in a message: four members of as many providers ↔ Thinking.

`reasoning_content` (DeepSeek, vLLM before 0.12, xAI, Moonshot, Z.ai), `reasoning` (Groq, Ollama, Cerebras, vLLM),
`reasoning_details` (OpenRouter, Snowflake: signed or encrypted, wanted back as they are), and Mistral's content part of
type `thinking`. https://openrouter.ai/docs/use-cases/reasoning-tokens (November 2026).

Clients are shown `reasoning_content`. A provider gets its own member back, for each refuses those of the others (Groq:
"property 'reasoning_content' is unsupported"): `Thinking.format` remembers which one it was.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proxy.canonical.parts import Thinking
from proxy.dialects.reading import member, text_of

MEMBERS = ("reasoning_details", "reasoning_content", "reasoning")
IN_REASONING, IN_CONTENT = "reasoning", "thinking"  # formats that are places, not owners of a signature


def parse_thoughts(message: Mapping[str, Any]) -> list[Thinking]:
    """What was thought, each thought once: `reasoning` repeats the texts of `reasoning_details`."""
    details = message.get("reasoning_details")
    thoughts = [parse_detail(one) for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    plain = parse_plain(message)
    if plain is not None and not any(thought.text for thought in thoughts):
        thoughts.insert(0, plain)
    return thoughts


def parse_plain(message: Mapping[str, Any]) -> Thinking | None:
    if text := text_of(message.get("reasoning_content")):
        return Thinking(text, made_by="openai")
    if text := text_of(message.get("reasoning")):
        return Thinking(text, made_by="openai", format=IN_REASONING)
    return None


def parse_detail(detail: Mapping[str, Any]) -> Thinking:
    summary = text_of(detail.get("summary"))
    return Thinking(
        text=text_of(detail.get("text")) or summary,
        signature=text_of(detail.get("signature")),
        redacted=text_of(detail.get("data")),
        made_by="openai",
        item_id=text_of(detail.get("id")),
        is_summary=detail.get("type") == "reasoning.summary",
        format=text_of(detail.get("format")),
    )


def parse_thinking_part(part: Mapping[str, Any]) -> Thinking:
    """Mistral's content part, whose `thinking` is a list of text parts."""
    inside = part.get("thinking")
    if isinstance(inside, list):
        inside = "".join(text_of(member(one, "text")) for one in inside)
    return Thinking(text_of(inside), text_of(part.get("signature")), made_by="openai", format=IN_CONTENT)


def render_thoughts(thoughts: Iterable[Thinking]) -> dict[str, Any]:
    """`reasoning_content` for whoever shows it; `reasoning_details` only of what came so."""
    found = list(thoughts)
    members: dict[str, Any] = {}
    if text := "".join(thought.text for thought in found):
        members["reasoning_content"] = text
    if any(has_details(thought) for thought in found):
        members["reasoning_details"] = [render_detail(thought, at) for at, thought in enumerate(found)]
    return members


def render_thoughts_back(thoughts: Sequence[Thinking]) -> dict[str, Any]:
    """For the provider that made them: each in the member that it came in, those of a content part left out."""
    plain = "".join(thought.text for thought in thoughts if thought.format == IN_REASONING)
    others = render_thoughts(one for one in thoughts if one.format not in {IN_REASONING, IN_CONTENT})
    return {"reasoning": plain, **others} if plain else others


def render_thinking_part(thought: Thinking) -> dict[str, Any]:
    return {"type": "thinking", "thinking": [{"type": "text", "text": thought.text}]}


def has_details(thought: Thinking) -> bool:
    """Is there more to it than text, and is it this dialect's own?"""
    return thought.made_by == "openai" and bool(
        thought.signature
        or thought.redacted
        or thought.item_id
        or thought.is_summary
        or thought.format not in {"", IN_REASONING, IN_CONTENT}
    )


def render_detail(thought: Thinking, index: int) -> dict[str, Any]:
    """One of `reasoning_details`. Signatures that another dialect made are not for the client to carry."""
    detail: dict[str, Any] = {"type": "reasoning.text", "text": thought.text}
    if thought.is_summary:
        detail = {"type": "reasoning.summary", "summary": thought.text}
    if thought.made_by == "openai":
        if thought.redacted:
            detail = {"type": "reasoning.encrypted", "data": thought.redacted}
            detail |= {"text": thought.text} if thought.text else {}
        names = {"signature": thought.signature, "id": thought.item_id, "format": thought.format}
        if thought.format in {IN_REASONING, IN_CONTENT}:
            del names["format"]
        detail |= {name: value for name, value in names.items() if value}
    return {**detail, "index": index}
