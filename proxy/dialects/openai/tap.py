"""OpenAI's chat completions, which many providers speak: https://platform.openai.com/docs/api-reference/chat (11/2026).

In a stream the usage stands in a last chunk with `choices: []`, only when `stream_options.include_usage` asked for it;
`data: [DONE]` ends it. `prompt_tokens` includes cached tokens and `completion_tokens` includes reasoning.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from proxy.dialects.billed import billed_usd, to_nano_usd
from proxy.dialects.reading import Reading, count_of, member, text_of
from proxy.records import Usage
from proxy.wire.mould import Mould, learn
from proxy.wire.sse import each_data, frames_with, join_data, parse_data

MOST_UNNAMED = 8  # Azure's first chunk has no model and no id yet
MOST_TRIED = 16  # events that are looked at for the form of the others

_USAGE_ONLY = b'"choices":[],"usage":{'
_DONE = b"[DONE]"
_LAST = b"data: [DONE]\n\n"
_T = TypeVar("_T")


class _Delta(msgspec.Struct):
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


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    message: _Delta | None = None
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


class _Answer(msgspec.Struct):
    """A chunk or a whole completion; they differ in `delta` and `message` only."""

    id: Any = None
    model: Any = None
    choices: list[_Choice] | None = None
    usage: TokenCounts | None = None
    x_groq: _XGroq | None = None
    service_tier: Any = None
    error: Any = None


class _Chunk(msgspec.Struct):
    """What changes from chunk to chunk: the other members are read from the first ones only."""

    choices: list[_Choice] | None = None
    usage: TokenCounts | None = None
    x_groq: _XGroq | None = None
    service_tier: Any = None
    error: Any = None


_decode = msgspec.json.Decoder(_Answer).decode
_decode_chunk = msgspec.json.Decoder(_Chunk).decode
_decode_chunks = msgspec.json.Decoder(list[_Chunk]).decode


class OpenAIStreamReader:
    """Reads one streamed chat completion."""

    __slots__ = ("_mould", "_tried", "_unnamed", "reading")

    def __init__(self) -> None:
        self.reading = Reading()
        self._unnamed = 0
        self._mould: Mould | None = None
        self._tried = 0

    def read(self, block: bytes) -> int:
        usage_only = position = 0
        if not self._unnamed:
            usage_only, position = self._read_first(block)
        if not (self.reading.model or self._unnamed == MOST_UNNAMED):
            self._read_heads(block[position:])
        found = self._mould.cast(block, position) if self._mould is not None else None
        if found is None and self._tried < MOST_TRIED and self._learn(block, position):
            found = self._mould.cast(block, position) if self._mould is not None else None
        if found is None:
            return usage_only + self._read(block[position:])
        if found.start > position:
            usage_only += self._read(block[position : found.start])
        self.reading.add_text(found.text)
        return usage_only + (self._read(block[found.end :]) if found.end < len(block) else 0)

    def _read_first(self, block: bytes) -> tuple[int, int]:
        """The first event says more than all others. Answers as `read`, and where the next one begins."""
        end = block.find(b"\n\n")
        answer = _decoded(_decode, block[6:end]) if end >= 0 and block.startswith(b"data: ") else None
        if answer is None:
            return 0, 0
        self._unnamed += 1
        _take_head(answer, self.reading)
        _take(answer, self.reading)
        return int(is_usage_only(answer)), end + 2

    def _learn(self, block: bytes, position: int) -> bool:
        """By one of the next events."""
        self._mould = None
        for _ in range(3):
            end = block.find(b"\n\n", position)
            if end < 0:
                return False
            self._tried += 1
            event, position = block[position + 6 : end], end + 2
            chunk = _decoded(_decode_chunk, event)
            if chunk is not None and (text := _plain_text(chunk)):
                self._mould = learn(event, b"content", text)
                return self._mould is not None
        return False

    def _read(self, block: bytes) -> int:
        is_last = block.endswith(_LAST)
        chunks = _skimmed(block[: -len(_LAST)] if is_last else block)
        if chunks is None:
            events = parse_data(block)
            is_last = _DONE in events
            chunks = _decoded_chunks([event for event in events if event != _DONE])
        if is_last:
            self.reading.is_complete = True
        return self._take(chunks)

    def _read_heads(self, block: bytes) -> None:
        for event in each_data(block):
            if self.reading.model or self._unnamed == MOST_UNNAMED:
                return
            self._unnamed += 1
            _take_head(_decoded(_decode, event), self.reading)

    def _take(self, chunks: Sequence[_Chunk]) -> int:
        """Takes the common case in one go, since most of a stream is chunks with one piece of text each."""
        reading, texts, usage_only = self.reading, [], 0
        for chunk in chunks:
            if (text := _plain_text(chunk)) is not None:
                texts.append(text)
                continue
            if texts:
                reading.add_text("".join(texts))
                texts.clear()
            _take(chunk, reading)
            usage_only += is_usage_only(chunk)
        if texts:
            reading.add_text("".join(texts))
        return usage_only


def _plain_text(chunk: _Chunk) -> str | None:
    """The text of a chunk that is a piece of text and nothing else."""
    choices = chunk.choices
    if choices and len(choices) == 1 and chunk.usage is None and chunk.error is None:
        choice = choices[0]
        delta = choice.delta
        if delta is not None and choice.finish_reason is None and delta.is_plain():
            text: str = delta.content
            return text
    return None


def without_usage(block: bytes, count: int) -> bytes:
    """The block without the `count` frames that carry usage and nothing else.

    Nobody is known to write `[ ]` with a space.
    """
    for start, end in frames_with(block, b"[]"):
        if _is_usage_frame(block[start:end]):
            block = block[:start] + block[end:]
            count -= 1
            if not count:
                break
    return block


def _is_usage_frame(frame: bytes) -> bool:
    if _USAGE_ONLY in frame and b'"error"' not in frame:  # as most write it; no string holds a bare quote
        return True
    return any(is_usage_only(chunk) for chunk in _decoded_chunks(parse_data(frame)))


def is_usage_only(chunk: _Answer | _Chunk) -> bool:
    """The chunk that `include_usage` adds; clients that did not ask for it stumble over its empty `choices`."""
    return chunk.choices == [] and chunk.usage is not None and chunk.error is None


def read_openai_body(body: bytes) -> Reading:
    """Reads a whole answer, be it a completion or an error."""
    reading = Reading()
    answer = _decoded(_decode, body)
    if answer is not None:
        _take_head(answer, reading)
        _take(answer, reading)
        reading.is_complete = True
    return reading


def _decoded(decode: Callable[[bytes], _T], text: bytes) -> _T | None:
    """None for what is not ours to judge: it passes, unread."""
    try:
        return decode(text)
    except msgspec.MsgspecError:
        return None


def _skimmed(block: bytes) -> Sequence[_Chunk] | None:
    """All chunks of a block in one go, without cutting it; None for one that is not of the usual form."""
    joined = join_data(block)
    return None if joined is None else _decoded(_decode_chunks, b"[%b]" % joined)


def _decoded_chunks(events: list[bytes]) -> Sequence[_Chunk]:
    """All at once, since that is how they come; one by one when there is one that cannot be read."""
    chunks = _decoded(_decode_chunks, b"[%b]" % b",".join(events))
    if chunks is not None:
        return chunks
    return [chunk for chunk in (_decoded(_decode_chunk, event) for event in events) if chunk is not None]


def _take_head(answer: _Answer | None, reading: Reading) -> None:
    if answer is not None:
        reading.model = text_of(answer.model)
        reading.response_id = text_of(answer.id)


def _take(answer: _Answer | _Chunk, reading: Reading) -> None:
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
