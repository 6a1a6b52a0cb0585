"""The members of a request that the proxy looks at, wherever a dialect puts them."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from proxy.call import NO_HEAD, Head
from proxy.endpoints import Endpoint
from proxy.errors import Dialect
from proxy.wire.multipart import find_field


class _ResponsesHead(msgspec.Struct):
    model: Any = None
    stream: Any = None
    max_output_tokens: Any = None
    input: msgspec.Raw = msgspec.Raw(b"")
    instructions: msgspec.Raw = msgspec.Raw(b"")


class _GenerationConfig(msgspec.Struct, rename="camel"):
    max_output_tokens: Any = None


class _GeminiHead(msgspec.Struct, rename="camel"):
    contents: list[msgspec.Raw] = []
    system_instruction: msgspec.Raw = msgspec.Raw(b"")
    generation_config: _GenerationConfig | None = None


class _InferenceConfig(msgspec.Struct, rename="camel"):
    max_tokens: Any = None


class _BedrockHead(msgspec.Struct, rename="camel"):
    messages: list[msgspec.Raw] = []
    system: msgspec.Raw = msgspec.Raw(b"")
    inference_config: _InferenceConfig | None = None


_decode_head = msgspec.json.Decoder(Head).decode
_decode_responses = msgspec.json.Decoder(_ResponsesHead).decode
_decode_gemini = msgspec.json.Decoder(_GeminiHead).decode
_decode_bedrock = msgspec.json.Decoder(_BedrockHead).decode
_decode_items = msgspec.json.Decoder(list[msgspec.Raw]).decode


def read_head(body: bytes, where: Endpoint, headers: Mapping[bytes, bytes]) -> Head:
    """The head of a request. Raises msgspec.MsgspecError, RecursionError or UnicodeDecodeError."""
    if where.operation == "other" or (where.operation == "embed" and where.dialect == "cohere"):
        return _read_other(body, headers.get(b"content-type", b""))
    if where.operation == "embed" and where.dialect == "openai":
        return _read_responses(body, where)
    return _READERS.get(where.dialect, _read_usual)(body, where)


def _read_usual(body: bytes, where: Endpoint) -> Head:
    head = _decode_head(body)
    if where.model and head.model is None:
        return msgspec.structs.replace(head, model=where.model)
    return head


def _read_responses(body: bytes, where: Endpoint) -> Head:
    said = _decode_responses(body)
    start = bytes(memoryview(said.input)[:1])
    messages = _decode_items(said.input) if start == b"[" else []
    if start == b'"':
        messages = [msgspec.Raw(b'{"role":"user","content":%b}' % bytes(said.input))]
    return Head(
        said.model or where.model or None,
        said.stream,
        max_tokens=said.max_output_tokens,
        messages=messages,
        system=said.instructions,
    )


def _read_gemini(body: bytes, where: Endpoint) -> Head:
    said = _decode_gemini(body)
    limit = said.generation_config.max_output_tokens if said.generation_config else None
    return Head(where.model, where.is_stream, max_tokens=limit, messages=said.contents, system=said.system_instruction)


def _read_bedrock(body: bytes, where: Endpoint) -> Head:
    said = _decode_bedrock(body)
    limit = said.inference_config.max_tokens if said.inference_config else None
    return Head(where.model, where.is_stream, max_tokens=limit, messages=said.messages, system=said.system)


_READERS: Mapping[Dialect, Callable[[bytes, Endpoint], Head]] = {
    "responses": _read_responses,
    "gemini": _read_gemini,
    "bedrock": _read_bedrock,
}


def _read_other(body: bytes, content_type: bytes) -> Head:
    """A form names its model in a field. What is neither form nor JSON names none. All of the body makes it itself."""
    if content_type.startswith(b"multipart/form-data"):
        model, stream = find_field(body, content_type, b"model"), find_field(body, content_type, b"stream")
        return Head(
            model=body[slice(*model)].decode() if model else None,
            stream=stream is not None and body[slice(*stream)].lower() == b"true",
            messages=[msgspec.Raw(body)],
        )
    said = _decode_head(body) if body and b"json" in content_type else NO_HEAD
    return msgspec.structs.replace(said, messages=[msgspec.Raw(body)])
