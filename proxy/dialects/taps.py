"""Dialect → what reads its answers while they pass. Those of rarer dialects are loaded when first needed."""

from collections.abc import Callable
from functools import cache, partial

from proxy.dialects.anthropic.tap import AnthropicStreamReader, read_anthropic_body
from proxy.dialects.openai.tap import OpenAIStreamReader, read_openai_body
from proxy.dialects.reading import Reading, StreamReader
from proxy.errors import Dialect


@cache
def stream_reader(dialect: Dialect) -> Callable[[], StreamReader]:
    """What makes a reader for one stream."""
    if dialect == "gemini":
        from proxy.dialects.gemini.tap import GeminiStreamReader  # noqa: PLC0415 - see the module

        return GeminiStreamReader
    if dialect == "responses":
        from proxy.dialects.responses.tap import ResponsesStreamReader  # noqa: PLC0415 - see the module

        return ResponsesStreamReader
    if dialect in {"bedrock", "cohere"}:
        from proxy.dialects.generic_tap import DecodingReader  # noqa: PLC0415 - see the module

        return partial(DecodingReader, dialect)
    return AnthropicStreamReader if dialect == "anthropic" else OpenAIStreamReader


@cache
def body_reader(dialect: Dialect) -> Callable[[bytes], Reading]:
    """What reads a whole answer."""
    if dialect == "gemini":
        from proxy.dialects.gemini.tap import read_gemini_body  # noqa: PLC0415 - see the module

        return read_gemini_body
    if dialect == "responses":
        from proxy.dialects.responses.tap import read_responses_body  # noqa: PLC0415 - see the module

        return read_responses_body
    if dialect in {"bedrock", "cohere"}:
        from proxy.dialects.generic_tap import body_reader_of  # noqa: PLC0415 - see the module

        return body_reader_of(dialect)
    return read_anthropic_body if dialect == "anthropic" else read_openai_body
