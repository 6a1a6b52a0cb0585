"""As much of three wire formats as one errand needs: what was asked, and a text or one call as the answer."""

import json
from dataclasses import dataclass, field
from typing import Any

Reply = tuple[str, dict[str, Any]] | str
CALL_ID = "call_of_the_played_model"


@dataclass
class Conversation:
    """What a request says: the tools it offers, what was said, and the tools whose results it brings."""

    tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    said: str = ""
    answered: list[str] = field(default_factory=list)


def find(path: str) -> Any:
    if "generateContent" in path or "streamGenerateContent" in path:
        return Gemini
    return Anthropic if path.partition("?")[0].endswith("/messages") else OpenAI


class OpenAI:
    """https://platform.openai.com/docs/api-reference/chat (November 2026)."""

    @staticmethod
    def read(body: dict[str, Any]) -> Conversation:
        functions = [tool["function"] for tool in body.get("tools", ()) if tool.get("type") == "function"]
        found = Conversation({one["name"]: one.get("parameters") or {} for one in functions})
        for message in body["messages"]:
            found.said += json.dumps(message.get("content")) if message["role"] == "user" else ""
            found.answered += [call["function"]["name"] for call in message.get("tool_calls") or ()]
        return found

    @staticmethod
    def answer(reply: Reply, is_stream: bool) -> bytes:
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        head = {"id": "chatcmpl-played", "created": 1_763_750_000, "model": "gpt-5-mini"}
        message: dict[str, Any] = {"role": "assistant", "content": reply if isinstance(reply, str) else None}
        if not isinstance(reply, str):
            function = {"name": reply[0], "arguments": json.dumps(reply[1])}
            message["tool_calls"] = [{"index": 0, "id": CALL_ID, "type": "function", "function": function}]
        finish = "stop" if isinstance(reply, str) else "tool_calls"
        if not is_stream:
            choice = {"index": 0, "message": message, "finish_reason": finish}
            return json.dumps({**head, "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
        head["object"] = "chat.completion.chunk"
        chunks = [
            {**head, "choices": [{"index": 0, "delta": message, "finish_reason": None}]},
            {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]},
            {**head, "choices": [], "usage": usage},
        ]
        return b"".join(b"data: " + json.dumps(one).encode() + b"\n\n" for one in chunks) + b"data: [DONE]\n\n"


class Anthropic:
    """https://platform.claude.com/docs/en/api/messages (November 2026)."""

    @staticmethod
    def read(body: dict[str, Any]) -> Conversation:
        tools = [tool for tool in body.get("tools", ()) if "input_schema" in tool]
        found = Conversation({tool["name"]: tool["input_schema"] for tool in tools})
        for message in body["messages"]:
            blocks = message["content"]
            found.said += json.dumps(blocks) if message["role"] == "user" else ""
            if message["role"] == "assistant" and isinstance(blocks, list):
                found.answered += [block["name"] for block in blocks if block["type"] == "tool_use"]
        return found

    @staticmethod
    def answer(reply: Reply, is_stream: bool) -> bytes:
        usage = {"input_tokens": 100, "output_tokens": 20}
        head = {"id": "msg_played", "type": "message", "role": "assistant", "model": "claude-haiku-4-5"}
        block: dict[str, Any] = {"type": "text", "text": reply}
        stop, delta = "end_turn", {"type": "text_delta", "text": reply}
        if not isinstance(reply, str):
            block = {"type": "tool_use", "id": "toolu_played", "name": reply[0], "input": reply[1]}
            stop, delta = "tool_use", {"type": "input_json_delta", "partial_json": json.dumps(reply[1])}
        if not is_stream:
            whole = {**head, "content": [block], "stop_reason": stop, "stop_sequence": None, "usage": usage}
            return json.dumps(whole).encode()
        empty = {**block, "text": ""} if isinstance(reply, str) else {**block, "input": {}}
        begun = {**head, "content": [], "stop_reason": None, "stop_sequence": None, "usage": usage}
        events: list[dict[str, Any]] = [
            {"type": "message_start", "message": begun},
            {"type": "content_block_start", "index": 0, "content_block": empty},
            {"type": "content_block_delta", "index": 0, "delta": delta},
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": stop, "stop_sequence": None}, "usage": usage},
            {"type": "message_stop"},
        ]
        return b"".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode() for one in events)


class Gemini:
    """https://ai.google.dev/api/generate-content (November 2026)."""

    @staticmethod
    def read(body: dict[str, Any]) -> Conversation:
        groups = [tool.get("functionDeclarations", []) for tool in body.get("tools", ())]
        found = Conversation(
            {one["name"]: one.get("parametersJsonSchema") or one.get("parameters") or {} for g in groups for one in g}
        )
        for content in body["contents"]:
            found.said += json.dumps(content["parts"]) if content.get("role") == "user" else ""
            found.answered += [part["functionCall"]["name"] for part in content["parts"] if "functionCall" in part]
        found.tools = {name: _lower_types(schema) for name, schema in found.tools.items()}
        return found

    @staticmethod
    def answer(reply: Reply, is_stream: bool) -> bytes:
        part: dict[str, Any] = {"text": reply}
        if not isinstance(reply, str):
            part = {"functionCall": {"name": reply[0], "args": reply[1]}, "thoughtSignature": "CiQBc2lnbmVk"}
        usage = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120}
        candidate = {"content": {"role": "model", "parts": [part]}, "finishReason": "STOP", "index": 0}
        body = {"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini-2.5-pro"}
        text = json.dumps({**body, "responseId": "played"})
        return f"data: {text}\r\n\r\n".encode() if is_stream else text.encode()


def _lower_types(schema: Any) -> Any:
    """Gemini's older schemas write types in capitals."""
    if isinstance(schema, list):
        return [_lower_types(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {key: value.lower() if key == "type" and isinstance(value, str) else _lower_types(value)
            for key, value in schema.items()}  # fmt: skip
