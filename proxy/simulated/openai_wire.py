"""OpenAI's chat completions, as the simulated provider speaks them.

Source: the vendor's API reference for chat completions (streaming events, error object), read 2026-11.
"""

import secrets
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

import orjson

from proxy.simulated.conversation import (
    Conversation,
    InvalidRequestError,
    Tool,
    ToolCall,
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

_READ = ("system", "developer", "user")  # a tuple: a role may be any JSON, and that need not be hashable
FINGERPRINT = "fp_simulated"
_FINISH = {"end": "stop", "length": "length", "tool": "tool_calls"}
_ERRORS: Mapping[int, tuple[str, str | None]] = {
    400: ("invalid_request_error", None),
    401: ("invalid_request_error", "invalid_api_key"),
    404: ("invalid_request_error", "model_not_found"),
    413: ("invalid_request_error", "request_too_large"),
    429: ("requests", "rate_limit_exceeded"),
}


class OpenAIWire:
    """`POST /v1/chat/completions`."""

    endpoint: ClassVar[str] = "/v1/chat/completions"
    id_prefix: ClassVar[str] = "chatcmpl-"

    def parse(self, body: Any) -> Conversation:
        if not isinstance(body, dict):
            raise InvalidRequestError("We could not parse the JSON body of your request.")
        messages = body.get("messages")
        if not body.get("model") or not isinstance(body["model"], str):
            raise InvalidRequestError("you must provide a model parameter", "model")
        if not isinstance(messages, list) or not messages or not all(isinstance(m, dict) for m in messages):
            raise InvalidRequestError("Missing required parameter: 'messages'.", "messages")
        read = [text_of(m.get("content")) for m in messages if m.get("role") in _READ]
        said = [text_of(m.get("content")) for m in messages if m.get("role") == "user"]
        limit = body.get("max_completion_tokens", body.get("max_tokens"))
        return Conversation(
            model=body["model"],
            prompt="\n".join(read),
            brief=said[-1] if said else "",
            tool_results=tuple(text_of(m.get("content")) for m in messages if m.get("role") == "tool"),
            rounds=sum(bool(m.get("tool_calls")) for m in messages),
            tools=without_tools_if_refused(_tools(body.get("tools")), body.get("tool_choice")),
            forced_tool=_forced(body.get("tool_choice")),
            max_tokens=parse_limit(limit, "max_tokens"),
            is_stream=body.get("stream") is True,
            is_usage_wanted=as_object(body.get("stream_options")).get("include_usage") is True,
            seed=seed_of(messages),
            input_tokens=tokens_of(messages) + (tokens_of(body["tools"]) if body.get("tools") else 0),
        )

    def usage(self, envelope: Envelope) -> dict[str, Any]:
        given, taken = envelope.conversation.input_tokens, envelope.reply.output_tokens
        return {
            "prompt_tokens": given,
            "completion_tokens": taken,
            "total_tokens": given + taken,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": 0,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }

    def body(self, envelope: Envelope) -> dict[str, Any]:
        call = envelope.reply.tool_call
        message: dict[str, Any] = {
            "role": "assistant",
            "content": envelope.reply.text if call is None else None,
            "refusal": None,
            "annotations": [],
        }
        if call is not None:
            message["tool_calls"] = [_tool_call(call, _call_id())]
        finish = _FINISH[envelope.reply.stop]
        return {
            "id": envelope.response_id,
            "object": "chat.completion",
            "created": envelope.created,
            "model": envelope.conversation.model,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
            "usage": self.usage(envelope),
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        }

    def frames(self, envelope: Envelope) -> Iterator[bytes]:
        for delta in _deltas(envelope):
            yield _frame(envelope, [_choice(delta, None)])
        yield _frame(envelope, [_choice({}, _FINISH[envelope.reply.stop])])
        if envelope.conversation.is_usage_wanted:
            yield _frame(envelope, [], self.usage(envelope))
        yield b"data: [DONE]\n\n"

    def error(self, status: int, message: str, request_id: str, parameter: str | None = None) -> dict[str, Any]:
        kind, code = _ERRORS.get(status, ("server_error", None))
        return {"error": {"message": message, "type": kind, "param": parameter, "code": code}}

    def headers(self, request_id: str) -> Mapping[str, str]:
        return {"x-request-id": request_id, "openai-version": "2020-10-01", "openai-processing-ms": "12"}


def _tools(listed: Any) -> tuple[Tool, ...]:
    if not isinstance(listed, list):
        return ()
    functions = [as_object(as_object(entry).get("function")) for entry in listed]
    return parse_tools((function.get("name"), function.get("parameters")) for function in functions)


def _forced(choice: Any) -> str | None:
    if choice == "required":
        return "*"
    name = as_object(as_object(choice).get("function")).get("name")
    return name if isinstance(name, str) else None


def _call_id() -> str:
    return f"call_{secrets.token_urlsafe(18).replace('-', 'a').replace('_', 'b')}"


def _tool_call(call: ToolCall, call_id: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": orjson.dumps(call.arguments).decode()}
    return {"id": call_id, "type": "function", "function": function}


def _deltas(envelope: Envelope) -> Iterator[dict[str, Any]]:
    call = envelope.reply.tool_call
    if call is None:
        yield {"role": "assistant", "content": "", "refusal": None}
        for piece in envelope.reply.pieces:
            yield {"content": piece}
        return
    whole = _tool_call(call, _call_id())
    opening = {"index": 0, **whole, "function": {"name": call.name, "arguments": ""}}
    yield {"role": "assistant", "content": None, "tool_calls": [opening], "refusal": None}
    for piece in pieces_of(whole["function"]["arguments"]):
        yield {"tool_calls": [{"index": 0, "function": {"arguments": piece}}]}


def _choice(delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}


def _frame(envelope: Envelope, choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
    chunk = {
        "id": envelope.response_id,
        "object": "chat.completion.chunk",
        "created": envelope.created,
        "model": envelope.conversation.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
        "choices": choices,
    }
    if envelope.conversation.is_usage_wanted:
        chunk["usage"] = usage
    return b"data: " + orjson.dumps(chunk) + b"\n\n"
