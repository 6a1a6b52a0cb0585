"""A whole answer of Cohere's chat, read and written. It does not name its model."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.parts import Media, Native, Part, Thinking, ToolCall
from proxy.dialects.codec import Opening
from proxy.dialects.cohere.content_in import parse_message_parts
from proxy.dialects.cohere.content_out import render_assistant
from proxy.dialects.cohere.logprobs import parse_logprobs, render_logprobs
from proxy.dialects.cohere.stops import parse_stop, render_stop
from proxy.dialects.cohere.usage import parse_usage, render_usage
from proxy.dialects.losses import Losses
from proxy.dialects.reading import text_of

_KNOWN = {"id", "finish_reason", "message", "usage", "logprobs"}


def parse_answer(body: Mapping[str, Any]) -> Answer:
    """Without a message the answer is empty, and stopped with an error."""
    raw = body.get("usage")
    raw_usage = raw if isinstance(raw, dict) else {}
    native = text_of(body.get("finish_reason"))
    message = body.get("message")
    if isinstance(message, dict):
        choice = Choice(parse_message_parts(message), parse_stop(native), native)
        choice.logprobs = parse_logprobs(body.get("logprobs"))
    else:
        choice = Choice([], "error", native or "no_message")
    return Answer(
        "cohere",
        id=text_of(body.get("id")),
        choices=[choice],
        usage=parse_usage(raw_usage) if raw_usage else None,
        raw_usage=raw_usage,
        rest={name: value for name, value in body.items() if name not in _KNOWN},
    )


def render_answer(answer: Answer, opening: Opening) -> dict[str, Any]:
    losses = Losses(opening.losses)
    is_own = answer.dialect == "cohere"
    choice = answer.choices[0] if answer.choices else Choice([])
    if len(answer.choices) > 1:
        losses.add("choices", "Cohere gives one answer to a request.")
    body: dict[str, Any] = {
        "id": answer.id or opening.id,
        "finish_reason": render_stop(choice.stop, choice.native_stop if is_own else ""),
        "message": render_assistant([shown(part, losses) for part in choice.parts], losses),
    }
    if answer.usage is not None:
        body["usage"] = answer.raw_usage if is_own and answer.raw_usage else render_usage(answer.usage)
    if choice.logprobs is not None:
        body["logprobs"] = render_logprobs(choice.logprobs)
    return {**body, **answer.rest} if is_own else body


def shown(part: Part, losses: Losses) -> Part:
    """In an answer thinking is shown, whoever thought it."""
    if isinstance(part, Thinking) and part.made_by != "cohere":
        return Thinking(part.text, made_by="cohere") if part.text else Thinking()
    if isinstance(part, ToolCall) and part.kind == "custom":
        losses.add("tools.custom", "Cohere's tools take JSON only.")
    if isinstance(part, Native) and part.dialect != "cohere":
        return Native(part.dialect, part.raw)  # what another provider's tools found is not what the model said
    if isinstance(part, Media):
        losses.add(part.kind, "Cohere's models answer in text.")
    return part
