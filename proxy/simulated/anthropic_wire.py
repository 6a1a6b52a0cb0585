"""Anthropic's messages, as the simulated provider speaks them.

Source: the vendor's API reference for messages (event sequence, error shapes), read 2026-11.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import orjson

from proxy.simulated.conversation import (
    Conversation,
    InvalidRequestError,
    Tool,
    as_object,
    parse_limit,
    parse_tools,
    seed_of,
    text_of,
    tokens_of,
    without_tools_if_refused,
)
from proxy.simulated.prose import pieces_of
from proxy.simulated.wire import Envelope

_STOP = {"end": "end_turn", "length": "max_tokens", "tool": "tool_use"}
_ERRORS: Mapping[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}


def count_tokens(body: Any) -> dict[str, int]:
    """What `POST /v1/messages/count_tokens` answers: by the same rule as the usage of an answer.

    Raises InvalidRequestError.
    """
    counted = AnthropicWire().parse({**body, "max_tokens": 1} if isinstance(body, dict) else body)
    return {"input_tokens": counted.input_tokens}


class AnthropicWire:
    """`POST /v1/messages`."""

    endpoint: ClassVar[str] = "/v1/messages"
    id_prefix: ClassVar[str] = "msg_01"

    def parse(self, body: Any) -> Conversation:
        if not isinstance(body, dict):
            raise InvalidRequestError("The request body is not valid JSON")
        messages = body.get("messages")
        for name in ("model", "max_tokens", "messages"):
            if body.get(name) is None:
                raise InvalidRequestError(f"{name}: Field required")
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            raise InvalidRequestError("messages: at least one message is required")
        said = [text for m in messages if m.get("role") == "user" and (text := text_of(m.get("content")))]
        return Conversation(
            model=str(body["model"]),
            prompt="\n".join([text_of(body.get("system")), *said]),
            brief=said[-1] if said else "",
            tool_results=tuple(text_of(block.get("content")) for block in _blocks(messages, "tool_result")),
            rounds=len({id(m) for m in messages if _blocks([m], "tool_use")}),
            tools=without_tools_if_refused(_tools(body.get("tools")), body.get("tool_choice")),
            forced_tool=_forced(body.get("tool_choice")),
            max_tokens=parse_limit(body["max_tokens"], "max_tokens"),
            is_stream=body.get("stream") is True,
            seed=seed_of([body.get("system"), messages]),
            input_tokens=tokens_of([body.get("system"), messages, body.get("tools")]),
        )

    def usage(self, envelope: Envelope) -> dict[str, Any]:
        return {
            "input_tokens": envelope.conversation.input_tokens,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "output_tokens": envelope.reply.output_tokens,
            "service_tier": "standard",
        }

    def body(self, envelope: Envelope) -> dict[str, Any]:
        call = envelope.reply.tool_call
        content: list[dict[str, Any]] = [{"type": "text", "text": envelope.reply.text}]
        if call is not None:
            content.append({"type": "tool_use", "id": _tool_use_id(), "name": call.name, "input": call.arguments})
        return {
            **_message(envelope),
            "content": content,
            "stop_reason": _STOP[envelope.reply.stop],
            "usage": self.usage(envelope),
        }

    def frames(self, envelope: Envelope) -> Iterator[bytes]:
        opening = {**_message(envelope), "usage": {**self.usage(envelope), "output_tokens": 1}}
        yield _frame("message_start", {"message": opening})
        yield from _text_frames(envelope)
        if envelope.reply.tool_call is not None:
            yield from _tool_frames(envelope)
        stop = {"stop_reason": _STOP[envelope.reply.stop], "stop_sequence": None}
        totals = {key: value for key, value in self.usage(envelope).items() if key.endswith("_tokens")}
        yield _frame("message_delta", {"delta": stop, "usage": totals})
        yield _frame("message_stop", {})

    def error(self, status: int, message: str, request_id: str, parameter: str | None = None) -> dict[str, Any]:
        kind = _ERRORS.get(status, "api_error")
        return {"type": "error", "error": {"type": kind, "message": message}, "request_id": request_id}

    def headers(self, request_id: str) -> Mapping[str, str]:
        return {"request-id": request_id}


def _blocks(messages: list[Any], kind: str) -> list[dict[str, Any]]:
    contents = (m.get("content") for m in messages)
    blocks = (block for content in contents if isinstance(content, list) for block in content)
    return [block for block in blocks if isinstance(block, dict) and block.get("type") == kind]


def _tools(listed: Any) -> tuple[Tool, ...]:
    entries = listed if isinstance(listed, list) else []
    tools = [as_object(entry) for entry in entries]
    return parse_tools((tool.get("name"), tool.get("input_schema")) for tool in tools)


def _forced(choice: Any) -> str | None:
    kind, name = as_object(choice).get("type"), as_object(choice).get("name")
    if kind == "any":
        return "*"
    return name if kind == "tool" and isinstance(name, str) else None


def _tool_use_id() -> str:
    return f"toolu_01{secrets.token_hex(11)}"


def _message(envelope: Envelope) -> dict[str, Any]:
    return {
        "id": envelope.response_id,
        "type": "message",
        "role": "assistant",
        "model": envelope.conversation.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
    }


def _text_frames(envelope: Envelope) -> Iterator[bytes]:
    yield _frame("content_block_start", {"index": 0, "content_block": {"type": "text", "text": ""}})
    yield _frame("ping", {})
    for piece in envelope.reply.pieces:
        yield _frame("content_block_delta", {"index": 0, "delta": {"type": "text_delta", "text": piece}})
    yield _frame("content_block_stop", {"index": 0})


def _tool_frames(envelope: Envelope) -> Iterator[bytes]:
    call = envelope.reply.tool_call
    if call is None:
        return
    block = {"type": "tool_use", "id": _tool_use_id(), "name": call.name, "input": {}}
    yield _frame("content_block_start", {"index": 1, "content_block": block})
    for piece in ["", *pieces_of(orjson.dumps(call.arguments).decode())]:
        yield _frame("content_block_delta", {"index": 1, "delta": {"type": "input_json_delta", "partial_json": piece}})
    yield _frame("content_block_stop", {"index": 1})


def _frame(event: str, fields: dict[str, Any]) -> bytes:
    return b"event: " + event.encode() + b"\ndata: " + orjson.dumps({"type": event, **fields}) + b"\n\n"
