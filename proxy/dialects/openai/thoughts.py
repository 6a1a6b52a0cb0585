"""Reasoning in a message: four members of as many providers ↔ Thinking.

`reasoning_content` (DeepSeek, vLLM before 0.12, xAI, Moonshot, Z.ai), `reasoning` (Groq, Ollama, Cerebras, vLLM),
`reasoning_details` (OpenRouter, Snowflake: signed or encrypted, wanted back as they are), and Mistral's content part of
type `thinking`. https://openrouter.ai/docs/use-cases/reasoning-tokens (November 2026).
"""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.canonical.parts import Thinking
from proxy.dialects.reading import member, text_of

MEMBERS = ("reasoning_details", "reasoning_content", "reasoning")


def parse_thoughts(message: Mapping[str, Any]) -> list[Thinking]:
    """What was thought, each thought once: `reasoning` repeats the texts of `reasoning_details`."""
    details = message.get("reasoning_details")
    thoughts = [parse_detail(one) for one in details if isinstance(one, dict)] if isinstance(details, list) else []
    plain = plain_reasoning(message)
    if plain and not any(thought.text for thought in thoughts):
        thoughts.insert(0, Thinking(plain, made_by="openai"))
    return thoughts


def plain_reasoning(message: Mapping[str, Any]) -> str:
    return text_of(message.get("reasoning_content")) or text_of(message.get("reasoning"))


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


def text_of_thinking(part: Mapping[str, Any]) -> str:
    """Of Mistral's content part, whose `thinking` is a list of text parts."""
    inside = part.get("thinking")
    if isinstance(inside, str):
        return inside
    return "".join(text_of(member(one, "text")) for one in inside) if isinstance(inside, list) else ""


def render_thoughts(thoughts: Iterable[Thinking]) -> dict[str, Any]:
    """`reasoning_content` for whoever shows it; `reasoning_details` only of what came so."""
    found = list(thoughts)
    members: dict[str, Any] = {}
    if text := "".join(thought.text for thought in found):
        members["reasoning_content"] = text
    if any(has_details(thought) for thought in found):
        members["reasoning_details"] = [render_detail(thought, at) for at, thought in enumerate(found)]
    return members


def has_details(thought: Thinking) -> bool:
    """Is there more to it than text, and is it this dialect's own?"""
    return thought.made_by == "openai" and bool(
        thought.signature or thought.redacted or thought.format or thought.item_id or thought.is_summary
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
        detail |= {name: value for name, value in names.items() if value}
    return {**detail, "index": index}
