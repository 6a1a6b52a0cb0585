"""OpenAI's chat completions, which many providers speak: https://platform.openai.com/docs/api-reference/chat (11/2026).

In a stream the usage stands in a last chunk with `choices: []`, only when `stream_options.include_usage` asked for it;
`data: [DONE]` ends it. `prompt_tokens` includes cached tokens and `completion_tokens` includes reasoning.
"""

from typing import Any

import msgspec

from proxy.dialects.reading import FrameKind, Reading, count_of, member, parse_object, text_of
from proxy.records import Usage
from proxy.wire.sse import parse_frame


class _Delta(msgspec.Struct):
    content: Any = None
    refusal: Any = None
    reasoning: Any = None
    reasoning_content: Any = None
    tool_calls: Any = None
    function_call: Any = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
    finish_reason: Any = None


class _Answer(msgspec.Struct):
    """A chunk or a whole completion; they differ in `delta` and `message` only."""

    id: Any = None
    model: Any = None
    choices: list[_Choice] | None = None
    usage: Any = None
    x_groq: Any = None
    service_tier: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Answer).decode


class OpenAIStreamReader:
    """Reads the frames of one streamed chat completion."""

    __slots__ = ("reading",)

    def __init__(self) -> None:
        self.reading = Reading()

    def read(self, frame: bytes) -> FrameKind:
        name, text = parse_frame(frame)
        if text == b"[DONE]":
            self.reading.is_complete = True
            return "terminal"
        if not text:
            return "content"
        try:
            answer = _decode(text)
        except msgspec.MsgspecError:
            return "content"  # not ours to judge: it passes, unread
        if name == b"error" and answer.error is None:
            answer.error = parse_object(text)
        _take(answer, self.reading)
        is_usage_only = answer.choices == [] and bool(answer.usage) and answer.error is None
        return "usage_only" if is_usage_only else "content"


def read_openai_body(body: bytes) -> Reading:
    """Reads a whole answer, be it a completion or an error."""
    reading = Reading()
    try:
        _take(_decode(body), reading)
    except msgspec.MsgspecError:
        return reading
    reading.is_complete = True
    return reading


def _take(answer: _Answer, reading: Reading) -> None:
    if answer.model and not reading.model:
        reading.model = text_of(answer.model)
    if answer.id and not reading.response_id:
        reading.response_id = text_of(answer.id)
    for choice in answer.choices or ():
        delta = choice.delta or choice.message
        if delta is not None:
            _take_delta(delta, reading)
        if choice.finish_reason:
            reading.stop_reason = text_of(choice.finish_reason)
    usage = answer.usage or member(answer.x_groq, "usage")
    if usage:
        reading.usage = parse_openai_usage(usage)
        reading.service_tier = text_of(answer.service_tier)
    if answer.error:
        reading.error_code = text_of(member(answer.error, "code")) or text_of(member(answer.error, "type")) or "error"
        reading.error_message = text_of(member(answer.error, "message"))


def _take_delta(delta: _Delta, reading: Reading) -> None:
    if delta.content:
        if isinstance(delta.content, str):
            reading.add_text(delta.content)
        else:
            _take_parts(delta.content, reading)
    if delta.refusal:
        reading.add_text(delta.refusal)
    if delta.reasoning_content or delta.reasoning:
        reading.add_reasoning(delta.reasoning_content or delta.reasoning)
    if delta.tool_calls and isinstance(delta.tool_calls, list):
        for position, call in enumerate(delta.tool_calls):
            function = member(call, "function")
            index = member(call, "index")
            reading.add_tool(
                position if index is None else str(index), member(function, "name"), member(function, "arguments")
            )
    if delta.function_call:
        reading.add_tool("legacy", member(delta.function_call, "name"), member(delta.function_call, "arguments"))


def _take_parts(parts: object, reading: Reading) -> None:
    """Content as a list of typed parts: Mistral's thinking, some gateways' text."""
    for part in parts if isinstance(parts, list) else ():
        reading.add_text(member(part, "text"))
        for thought in member(part, "thinking") or ():
            reading.add_reasoning(member(thought, "text"))


def parse_openai_usage(usage: object) -> Usage:
    """Usage with the cached part taken out of the input."""
    prompt = member(usage, "prompt_tokens_details")
    completion = member(usage, "completion_tokens_details")
    whole_input = count_of(member(usage, "prompt_tokens"))
    output = count_of(member(usage, "completion_tokens"))
    reasoning = count_of(member(completion, "reasoning_tokens"))
    if reasoning and count_of(member(usage, "total_tokens")) == whole_input + output + reasoning:
        output += reasoning  # xAI counts reasoning beside the completion, all others inside
    cached = member(prompt, "cached_tokens")
    cached = cached or member(usage, "cached_tokens") or member(usage, "prompt_cache_hit_tokens")  # Moonshot, DeepSeek
    read = min(count_of(cached), whole_input)
    written = min(count_of(member(prompt, "cache_write_tokens")), whole_input - read)
    return Usage(
        input=whole_input - read - written,
        cache_read=read,
        cache_write_5m=written,
        output=output,
        reasoning=reasoning,
        audio_input=count_of(member(prompt, "audio_tokens")),
        audio_output=count_of(member(completion, "audio_tokens")),
    )
