"""Chunks and whole answers of chat completions, as far as they are read while they pass.

https://platform.openai.com/docs/api-reference/chat (November 2026), and what the providers beside it add.
`prompt_tokens` includes cached tokens and `completion_tokens` includes reasoning.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from proxy.dialects.billed import billed_usd, to_nano_usd
from proxy.dialects.reading import UNREADABLE, Reading, count_of, member, text_of
from proxy.records import Usage

_T = TypeVar("_T")


class Delta(msgspec.Struct):
    content: Any = None
    refusal: Any = None
    reasoning: Any = None
    reasoning_content: Any = None
    tool_calls: Any = None
    function_call: Any = None

    def is_plain(self) -> bool:
        """A piece of text and nothing else."""
        return type(self.content) is str and not (
            self.tool_calls or self.refusal or self.reasoning or self.reasoning_content or self.function_call
        )


class Choice(msgspec.Struct):
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: Any = None


class _PromptDetails(msgspec.Struct):
    cached_tokens: Any = None
    cache_write_tokens: Any = None
    audio_tokens: Any = None
    image_tokens: Any = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: Any = None
    audio_tokens: Any = None
    image_tokens: Any = None


class TokenCounts(msgspec.Struct):
    """`usage` as providers send it."""

    prompt_tokens: Any = None
    completion_tokens: Any = None
    total_tokens: Any = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    cached_tokens: Any = None
    prompt_cache_hit_tokens: Any = None
    reasoning_tokens: Any = None
    citation_tokens: Any = None
    num_search_queries: Any = None
    server_tool_use: Any = None
    server_tool_use_details: Any = None
    cost: Any = None
    cost_details: Any = None
    cost_in_usd_ticks: Any = None
    is_byok: Any = None

    def searches(self) -> int:
        """Perplexity's, and OpenRouter's under both names that it has given them."""
        tools = self.server_tool_use_details or self.server_tool_use
        if tools is None and self.num_search_queries is None:
            return 0
        return count_of(self.num_search_queries) or count_of(member(tools, "web_search_requests"))


class _XGroq(msgspec.Struct):
    usage: TokenCounts | None = None


class Answer(msgspec.Struct):
    """A chunk or a whole completion; they differ in `delta` and `message` only."""

    id: Any = None
    model: Any = None
    choices: list[Choice] | None = None
    usage: TokenCounts | None = None
    x_groq: _XGroq | None = None
    service_tier: Any = None
    error: Any = None


class Chunk(msgspec.Struct):
    """What changes from chunk to chunk: the other members are read from the first ones only."""

    choices: list[Choice] | None = None
    usage: TokenCounts | None = None
    x_groq: _XGroq | None = None
    service_tier: Any = None
    error: Any = None


decode_answer = msgspec.json.Decoder(Answer).decode
decode_answers = msgspec.json.Decoder(list[Answer]).decode
decode_chunk = msgspec.json.Decoder(Chunk).decode
decode_chunks = msgspec.json.Decoder(list[Chunk]).decode


def decoded(decode: Callable[[bytes], _T], text: bytes) -> _T | None:
    """None for what is not ours to judge: it passes, unread."""
    try:
        return decode(text)
    except UNREADABLE:
        return None


def plain_text(chunk: Answer | Chunk) -> str | None:
    """The text of a chunk that is a piece of text and nothing else."""
    choices = chunk.choices
    if choices and len(choices) == 1 and chunk.usage is None and chunk.error is None:
        choice = choices[0]
        delta = choice.delta
        if delta is not None and choice.finish_reason is None and delta.is_plain():
            text: str = delta.content
            return text
    return None


def is_usage_only(chunk: Answer | Chunk) -> bool:
    """The chunk that `include_usage` adds; clients that did not ask for it stumble over its empty `choices`."""
    return chunk.choices == [] and chunk.usage is not None and chunk.error is None


def take_head(answer: Answer | None, reading: Reading) -> None:
    if answer is not None:
        reading.model = text_of(answer.model)
        reading.response_id = text_of(answer.id)


def take(answer: Answer | Chunk, reading: Reading) -> None:
    for choice in answer.choices or ():
        delta = choice.delta or choice.message
        if delta is not None:
            _take_delta(delta, reading)
        if choice.finish_reason:
            reading.stop_reason = text_of(choice.finish_reason)
    usage = answer.usage or (answer.x_groq.usage if answer.x_groq else None)
    if usage is not None:
        reading.usage = parse_openai_usage(usage)
        reading.service_tier = text_of(answer.service_tier)
    if answer.error:
        reading.error_code = text_of(member(answer.error, "code")) or text_of(member(answer.error, "type")) or "error"
        reading.error_message = text_of(member(answer.error, "message"))


def _take_delta(delta: Delta, reading: Reading) -> None:
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


def parse_openai_usage(usage: TokenCounts) -> Usage:
    """Usage with the cached part taken out of the input."""
    prompt, completion = usage.prompt_tokens_details, usage.completion_tokens_details
    whole_input = count_of(usage.prompt_tokens)
    output = count_of(usage.completion_tokens)
    citation = count_of(usage.citation_tokens) if usage.citation_tokens else 0
    reasoning = count_of(completion.reasoning_tokens) if completion and completion.reasoning_tokens else 0
    if reasoning and count_of(usage.total_tokens) == whole_input + output + reasoning:
        output += reasoning  # xAI counts reasoning beside the completion, all others inside
    elif not reasoning and usage.reasoning_tokens and (citation or usage.num_search_queries):
        reasoning = count_of(usage.reasoning_tokens)  # Perplexity's deep research, beside the total too
        output += reasoning
    cached = usage.cached_tokens or usage.prompt_cache_hit_tokens  # Moonshot, DeepSeek
    cached = (prompt and prompt.cached_tokens) or cached
    read = min(count_of(cached), whole_input) if cached else 0
    is_written = prompt is not None and prompt.cache_write_tokens
    written = min(count_of(prompt.cache_write_tokens), whole_input - read) if prompt and is_written else 0
    return Usage(
        input=whole_input - read - written,
        cache_read=read,
        cache_write_5m=written,
        output=output,
        reasoning=reasoning,
        audio_input=count_of(prompt.audio_tokens) if prompt and prompt.audio_tokens else 0,
        audio_output=count_of(completion.audio_tokens) if completion and completion.audio_tokens else 0,
        image_input=count_of(prompt.image_tokens) if prompt and prompt.image_tokens else 0,
        image_output=count_of(completion.image_tokens) if completion and completion.image_tokens else 0,
        citation=citation,
        searches=usage.searches(),
        billed_nano_usd=_billed(usage),
    )


def _billed(usage: TokenCounts) -> int | None:
    if usage.cost is None and usage.cost_in_usd_ticks is None:
        return None
    return to_nano_usd(billed_usd(usage.cost, usage.cost_in_usd_ticks, usage.cost_details, usage.is_byok))
