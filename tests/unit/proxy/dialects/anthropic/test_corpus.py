"""The codec against recorded exchanges with Claude at Anthropic, Bedrock and Vertex that nobody of this project wrote.

What is right is told by the plain reading in this file, not by the code under test.
"""

import base64
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from proxy.canonical.answer import Answer
from proxy.canonical.folding import fold, unfold
from proxy.canonical.parts import Text, Thinking, ToolCall
from proxy.dialects.anthropic.codec import CODEC
from proxy.dialects.anthropic.hosted import from_chunk
from proxy.dialects.codec import Opening
from proxy.wire.aws_events import MessageCutter
from tests.unit.proxy.dialects.recorded import folded, needs_recordings, recorded_at, sample
from tests.unit.proxy.dialects.streams import assert_same_at_any_cut, decode_with, encode_with

HOSTED = ("invoke_model", "invoke_model_stream", "vertex_predict")
STOPS = {
    "end_turn": "stop", "stop_sequence": "stop_sequence", "max_tokens": "length", "tool_use": "tool_calls",
    "refusal": "refusal", "pause_turn": "pause", "model_context_window_exceeded": "context_window",
}  # fmt: skip

pytestmark = needs_recordings


@pytest.fixture(scope="module")
def exchanges() -> list[dict[str, Any]]:
    return sample([exchange for exchange in recorded_at("messages", *HOSTED) if is_ours(exchange)])


def is_ours(exchange: dict[str, Any]) -> bool:
    path = (exchange["request"] or {}).get("path", "")
    if exchange["api"] == "messages":
        return True
    body = (exchange["request"] or {}).get("body")
    return "claude" in path and isinstance(body, dict) and "messages" in body


def stream_of(response: dict[str, Any]) -> bytes | None:
    if text := response.get("sse_text"):
        return str(text).encode()
    if chunks := response.get("chunks"):
        return b"".join(f"event: {chunk['type']}\ndata: {json.dumps(chunk)}\n\n".encode() for chunk in chunks)
    if packed := response.get("eventstream_b64"):
        return b"".join(from_chunk(message.payload) for message in MessageCutter().feed(base64.b64decode(packed)))
    return None


def streams(exchanges: list[dict[str, Any]]) -> Iterator[tuple[str, bytes]]:
    for exchange in exchanges:
        stream = stream_of(exchange["response"] or {})
        if stream is not None:
            yield exchange["id"], stream


def bodies(exchanges: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    for exchange in exchanges:
        body = (exchange["response"] or {}).get("body")
        if isinstance(body, dict) and body.get("type") == "message":
            yield exchange["id"], body


def requests(exchanges: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any], int]]:
    for exchange in exchanges:
        request = exchange["request"] or {}
        if isinstance(request.get("body"), dict) and isinstance(request["body"].get("messages"), list):
            yield exchange["id"], request["body"], exchange["response"]["status"]


def plain_message(stream: bytes) -> dict[str, Any]:
    """The stream put together as its documentation says, by the shortest code that does."""
    message: dict[str, Any] = {"content": [], "usage": {}}
    blocks: dict[int, dict[str, Any]] = {}
    for line in stream.decode().splitlines():
        event = json.loads(line[5:]) if line.startswith("data:") else {"type": ""}
        match event["type"]:
            case "message_start":
                message = {"id": event["message"]["id"], "model": event["message"]["model"]} | message
                message["usage"] |= without_none(event["message"]["usage"])
            case "content_block_start":
                block = blocks[event["index"]] = dict(event["content_block"])
                message["content"].append(block)
            case "content_block_delta":
                grow(blocks[event["index"]], event["delta"])
            case "message_delta":
                message["stop_reason"] = event["delta"]["stop_reason"]
                message["usage"] |= without_none(event["usage"])
            case "message_stop":
                break  # one recording holds three streams
    for block in message["content"]:
        if "json" in block:
            block["input"] = loaded(block.pop("json") or "{}")
    return message


def without_none(value: dict[str, Any]) -> dict[str, Any]:
    return {key: one for key, one in value.items() if one is not None}


def grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if delta["type"] == "input_json_delta":
        block["json"] = block.get("json", "") + delta["partial_json"]
    if delta["type"] == "citations_delta":
        block["citations"] = [*(block.get("citations") or ()), delta["citation"]]
    for key in {"text", "thinking", "signature"} & set(delta):
        block[key] = (block.get(key) or "") + delta[key]


def plain(message: dict[str, Any]) -> dict[str, Any]:
    """What an exchange must have kept, read from Anthropic's JSON."""
    content, usage = message["content"], message["usage"]
    return {
        "id": message["id"],
        "model": message["model"],
        "text": "".join(block["text"] for block in content if block["type"] == "text"),
        "thinking": [
            (block["thinking"], block.get("signature", ""))
            for block in content
            if block["type"] == "thinking" and (block["thinking"] or block.get("signature"))
        ],
        "tools": [(block["id"], block["name"], block["input"]) for block in content if block["type"] == "tool_use"],
        "others": [
            block["type"]
            for block in content
            if block["type"] not in {"text", "thinking", "tool_use", "redacted_thinking"}
        ],
        "citations": sum(len(block.get("citations") or ()) for block in content),
        "stop": STOPS[message["stop_reason"]],
        "input": usage["input_tokens"],
        "output": usage["output_tokens"],
        "cache_read": usage.get("cache_read_input_tokens") or 0,
        "cache_write": usage.get("cache_creation_input_tokens") or 0,
        "searches": (usage.get("server_tool_use") or {}).get("web_search_requests") or 0,
    }


def heard(answer: Answer) -> dict[str, Any]:
    """The same, as the hub has it."""
    (choice,) = answer.choices
    parts, usage = choice.parts, answer.usage
    assert usage is not None
    return {
        "id": answer.id,
        "model": answer.model,
        "text": "".join(part.text for part in parts if isinstance(part, Text)),
        "thinking": [(part.text, part.signature) for part in parts if isinstance(part, Thinking) and not part.redacted],
        "tools": [(part.id, part.name, loaded(part.arguments)) for part in parts if isinstance(part, ToolCall)],
        "others": [part.raw["type"] for part in parts if hasattr(part, "raw")],
        "citations": sum(len(part.citations) for part in parts if isinstance(part, Text)),
        "stop": choice.stop,
        "input": usage.input,
        "output": usage.output,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write_5m + usage.cache_write_1h,
        "searches": usage.searches,
    }


def loaded(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except ValueError:
        return arguments


def test_a_recorded_answer_is_read_whole(exchanges: list[dict[str, Any]]) -> None:
    count = 0
    for name, body in bodies(exchanges):
        assert heard(CODEC.parse_answer(body)) == plain(body), name
        count += 1
    assert count > 90


def test_a_recorded_answer_is_the_same_after_being_read_and_written(exchanges: list[dict[str, Any]]) -> None:
    for name, body in bodies(exchanges):
        answer = CODEC.parse_answer(body)
        written = CODEC.render_answer(answer, Opening("x", "y"))
        assert without_nothing(written) == without_nothing(body), name
        assert CODEC.parse_answer(written) == answer, name
        assert fold(unfold(answer), "anthropic") == answer, name


def without_nothing(body: dict[str, Any]) -> dict[str, Any]:
    """Null members, empty texts and the usual caller say nothing."""
    content = [
        {
            key: value
            for key, value in block.items()
            if value is not None and (key, value) != ("caller", {"type": "direct"})
        }
        for block in body["content"]
        if not (block["type"] == "text" and not block["text"] and not block.get("citations"))
    ]
    content = [
        {key: value for key, value in block.items() if (key, value) != ("citations", [])}
        if block["type"] == "text" else block
        for block in content
    ]  # fmt: skip
    return {key: value for key, value in body.items() if value is not None} | {"content": content}


def test_a_recorded_stream_is_read_whole_at_any_cut(exchanges: list[dict[str, Any]]) -> None:
    dice = random.Random(5)
    count = 0
    for name, stream in streams(exchanges):
        assert heard(folded(CODEC, stream, name)) == plain(plain_message(stream)), name
        assert_same_at_any_cut(CODEC, stream, dice, name)
        ended = stream.replace(b"\n", b"\r\n")
        assert decode_with(CODEC, ended) == decode_with(CODEC, stream), name
        assert_same_at_any_cut(CODEC, ended, dice, name)
        count += 1
    assert count > 25


def test_a_recorded_stream_is_the_same_after_being_read_and_written(exchanges: list[dict[str, Any]]) -> None:
    for name, stream in streams(exchanges):
        written = encode_with(CODEC.encoder(Opening("x", "y")), decode_with(CODEC, stream))
        again = folded(CODEC, written, name)
        assert again == folded(CODEC, stream, name), name
        assert heard(again) == plain(plain_message(written)), name


def test_a_recorded_request_means_the_same_after_being_read_and_written(exchanges: list[dict[str, Any]]) -> None:
    count = 0
    for name, body, status in requests(exchanges):
        if status >= 400:
            continue
        request = CODEC.parse_request(body, "claude-at-a-host")
        written = CODEC.render_request(request)
        assert meaning(written.body) == meaning(body | {"model": body.get("model", "claude-at-a-host")}), name
        assert CODEC.render_request(CODEC.parse_request(written.body)) == written, name
        assert written.losses == [], name
        count += 1
    assert count > 90


NOTHING = [("stream", False), ("tools", [])]


def meaning(body: dict[str, Any]) -> dict[str, Any]:
    """A request without the liberties of its spelling: strings for texts, neighbours of one role, defaults."""
    said = {key: value for key, value in body.items() if value is not None and (key, value) not in NOTHING}
    said.pop("anthropic_version", None)
    said["messages"] = joined(said["messages"])
    if "system" in said:
        said["system"] = blocks_of(said["system"])
    if mark := said.pop("cache_control", None):
        said["messages"][-1]["content"][-1].setdefault("cache_control", mark)
        unmark_defaults(said)
    if form := said.pop("output_format", None):
        said.setdefault("output_config", {})["format"] = form
    if "tools" in said:
        said["tools"] = [{k: v for k, v in tool.items() if (k, v) != ("type", "custom")} for tool in said["tools"]]
        said["tools"] = [
            tool if "type" in tool else tool | {"description": tool.get("description", "")} for tool in said["tools"]
        ]
    unmark_defaults(said)
    return said


def joined(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for message in messages:
        blocks = blocks_of(message["content"])
        if found and found[-1]["role"] == message["role"] != "system":
            found[-1]["content"] += blocks
        else:
            found.append({**message, "content": blocks})
    for message in found:
        message["content"].sort(key=lambda block: block["type"] != "tool_result")
    return found


def blocks_of(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}] if content else []
    found = []
    for block in content:
        block = {key: value for key, value in block.items() if value is not None}
        if block.get("citations") == [] or block.get("is_error") is False:
            block = {key: value for key, value in block.items() if key not in {"citations", "is_error"}}
        if block.get("caller") == {"type": "direct"}:
            block.pop("caller")
        if block["type"] == "tool_result":
            inner = blocks_of(block.pop("content", []))
            block |= {"content": inner} if inner else {}
        if not (block["type"] == "text" and not block["text"]):
            found.append(block)
    return found


def unmark_defaults(value: Any) -> None:
    """Five minutes is what a mark says that says nothing."""
    if isinstance(value, dict):
        if isinstance(mark := value.get("cache_control"), dict):
            value["cache_control"] = {key: one for key, one in mark.items() if one != "5m"}
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            unmark_defaults(one)


def test_a_recorded_error_is_understood(exchanges: list[dict[str, Any]]) -> None:
    kinds = {400: "invalid_request", 401: "authentication", 404: "not_found"}
    for exchange in exchanges:
        response = exchange["response"]
        if response["status"] >= 400:
            failure = CODEC.parse_failure(response["status"], {}, json.dumps(response["body"]).encode())
            assert failure.kind == kinds[response["status"]], exchange["id"]
            error = response["body"].get("error", response["body"])
            assert failure.message == error["message"], exchange["id"]
