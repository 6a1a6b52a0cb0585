"""A whole answer of Converse, read and written. It has no id and does not name its model."""

from collections.abc import Mapping
from typing import Any

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.parts import Native, Part, Refusal, Text, Thinking
from proxy.dialects.bedrock.blocks_in import parse_blocks
from proxy.dialects.bedrock.blocks_out import Block, BlockWriter
from proxy.dialects.bedrock.stops import parse_stop, parse_stop_sequence, render_stop
from proxy.dialects.bedrock.usage import parse_usage, render_usage
from proxy.dialects.codec import Opening
from proxy.dialects.losses import Losses
from proxy.dialects.reading import member, text_of

_KNOWN = {"output", "stopReason", "usage"}
_NO_OUTPUT = "no_output"


def parse_answer(body: Mapping[str, Any]) -> Answer:
    """An answer with 200 and without `output`, as AWS sends for calls that it does not know, stopped with an error."""
    raw = body.get("usage")
    raw_usage = raw if isinstance(raw, dict) else {}
    return Answer(
        "bedrock",
        choices=[_parse_choice(body)],
        usage=parse_usage(raw_usage) if raw_usage else None,
        raw_usage=raw_usage,
        rest={name: value for name, value in body.items() if name not in _KNOWN},
    )


def _parse_choice(body: Mapping[str, Any]) -> Choice:
    message = member(body.get("output"), "message")
    if not isinstance(message, dict):
        wrong = body.get("Output") or body.get("output") or body
        kind = text_of(member(wrong, "__type")).rpartition("#")[2]
        return Choice([], "error", kind or text_of(body.get("stopReason")) or _NO_OUTPUT)
    native = text_of(body.get("stopReason"))
    sequence = parse_stop_sequence(body.get("additionalModelResponseFields"))
    return Choice(parse_blocks(message.get("content")), parse_stop(native), native, sequence)


def render_answer(answer: Answer, opening: Opening) -> dict[str, Any]:
    losses = Losses(opening.losses)
    choice = answer.choices[0] if answer.choices else Choice([])
    if len(answer.choices) > 1:
        losses.add("choices", "Bedrock gives one answer to a request.")
    if choice.logprobs:
        losses.add("logprobs", "Bedrock tells none.")
    writer = BlockWriter("", losses)
    content = [block for part in choice.parts for block in render_answer_part(part, writer)]
    body: dict[str, Any] = {
        "output": {"message": {"role": "assistant", "content": content}},
        "stopReason": render_stop(choice.stop, choice.native_stop if answer.dialect == "bedrock" else ""),
    }
    if answer.usage is not None:
        body["usage"] = answer.raw_usage if answer.dialect == "bedrock" else render_usage(answer.usage)
    if answer.dialect == "bedrock":
        body |= answer.rest
    if choice.stop_sequence and parse_stop_sequence(body.get("additionalModelResponseFields")) is None:
        body["additionalModelResponseFields"] = {"stop_sequence": choice.stop_sequence}
    return body


def render_answer_part(part: Part, writer: BlockWriter) -> list[Block]:
    """As in a request, but that thinking is shown whoever thought it, and empty texts stay."""
    if isinstance(part, Thinking) and (blocks := writer.render(part)):
        return blocks
    if isinstance(part, Thinking):
        return [{"reasoningContent": {"reasoningText": {"text": part.text}}}] if part.text else []
    if isinstance(part, Refusal) or (isinstance(part, Text) and not part.citations):
        return [{"text": part.text}]
    if isinstance(part, Native):  # what another provider's tools found is not what the model said
        return writer.render(Native(part.dialect, part.raw))
    return writer.render(part)
