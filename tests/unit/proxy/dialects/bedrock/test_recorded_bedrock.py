"""The codec against recorded exchanges with Converse. What is right is told by the plain reading in this file."""

import base64
import json
import random
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import orjson
import pytest

from proxy.canonical.answer import Answer
from proxy.canonical.parts import Native, Text, Thinking, ToolCall
from proxy.dialects.bedrock.codec import CODEC
from proxy.dialects.codec import Opening
from proxy.wire.aws_events import MessageCutter, render_message
from tests.unit.proxy.dialects.recorded import (
    assert_damage_is_survived,
    bodies_of,
    exchanges_of,
    folded,
    needs_recordings,
    streamed_again,
)
from tests.unit.proxy.dialects.streams import assert_same_at_any_cut

pytestmark = needs_recordings

STOPS = {
    "end_turn": "stop", "tool_use": "tool_calls", "max_tokens": "length", "stop_sequence": "stop_sequence",
    "guardrail_intervened": "content_filter", "content_filtered": "content_filter",
}  # fmt: skip
UNTOLD = {"metrics"}  # the encoder has to say something where nothing is known


@pytest.fixture(scope="module")
def exchanges() -> list[dict[str, Any]]:
    return exchanges_of("bedrock", "converse", "converse_stream")


def chunks_of(response: dict[str, Any]) -> list[dict[str, Any]]:
    """The events of a stream, each under its name, by the recorder's own reading."""
    if "events" in response:
        return [{event["type"]: event["payload"]} for event in response["events"]]
    return list(response.get("chunks", ()))


def named(chunks: list[dict[str, Any]]) -> list[tuple[str, dict[str, Any]]]:
    return [next(iter(chunk.items())) for chunk in chunks if chunk and isinstance(chunk, dict)]


def written(chunks: list[dict[str, Any]]) -> bytes:
    return b"".join(
        render_message({":event-type": name, ":message-type": "event"}, orjson.dumps(payload))
        for name, payload in named(chunks)
    )


def streams(exchanges: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]], bytes]]:
    for exchange in exchanges:
        if chunks := chunks_of(exchange["response"]):
            packed = exchange["response"].get("eventstream_b64")
            yield exchange["id"], chunks, base64.b64decode(packed) if packed else written(chunks)


def plain_body(body: dict[str, Any]) -> dict[str, Any]:
    blocks = body["output"]["message"]["content"]
    uses = [block["toolUse"] for block in blocks if "toolUse" in block]
    reasoning = [block["reasoningContent"] for block in blocks if "reasoningContent" in block]
    return {
        "text": "".join(block.get("text", "") for block in blocks),
        "thinking": "".join(one.get("reasoningText", {}).get("text", "") for one in reasoning),
        "signatures": [text["signature"] for one in reasoning if "signature" in (text := one.get("reasoningText", {}))],
        "calls": [(use["name"], use["input"]) for use in uses if use.get("type") != "server_tool_use"],
        "server": [use["name"] for use in uses if use.get("type") == "server_tool_use"],
        "stop": STOPS[body["stopReason"]],
        "usage": plain_usage(body.get("usage")),
    }


def plain_usage(usage: dict[str, Any] | None) -> tuple[int, ...] | None:
    if not usage:
        return None
    names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheWriteInputTokens")
    return tuple(usage.get(name) or 0 for name in names)


def plain_stream(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    blocks: dict[int, dict[str, Any]] = {}
    stop, usage = "", None
    for name, payload in named(chunks):
        block = blocks.setdefault(payload.get("contentBlockIndex", -1), {})
        if name == "contentBlockStart":
            block.update(payload["start"])
        elif name == "contentBlockDelta":
            grow(block, payload["delta"])
        elif name == "messageStop":
            stop = payload["stopReason"]
        elif name == "metadata":
            usage = payload["usage"]
    uses = [block["toolUse"] for block in blocks.values() if "toolUse" in block]
    loaded = [(use, json.loads(use.get("input") or "{}")) for use in uses]
    return {
        "text": "".join(block.get("text", "") for block in blocks.values()),
        "thinking": "".join(block.get("thinking", "") for block in blocks.values()),
        "signatures": [block["signature"] for block in blocks.values() if "signature" in block],
        "calls": [(use["name"], given) for use, given in loaded if use.get("type") != "server_tool_use"],
        "server": [use["name"] for use in uses if use.get("type") == "server_tool_use"],
        "stop": STOPS[stop],
        "usage": plain_usage(usage),
    }


def grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    reasoning = delta.get("reasoningContent", {})
    block["text"] = block.get("text", "") + delta.get("text", "")
    block["thinking"] = block.get("thinking", "") + reasoning.get("text", "")
    if "signature" in reasoning:
        block["signature"] = reasoning["signature"]
    if "toolUse" in delta:
        block["toolUse"]["input"] = block["toolUse"].get("input", "") + delta["toolUse"]["input"]


def plain(answer: Answer) -> dict[str, Any]:
    (choice,) = answer.choices
    thoughts = [part for part in choice.parts if isinstance(part, Thinking)]
    natives = [part.raw for part in choice.parts if isinstance(part, Native)]
    usage = answer.usage
    return {
        "text": "".join(part.text for part in choice.parts if isinstance(part, Text)),
        "thinking": "".join(thought.text for thought in thoughts),
        "signatures": [thought.signature for thought in thoughts if thought.signature],
        "calls": [(part.name, json.loads(part.arguments)) for part in choice.parts if isinstance(part, ToolCall)],
        "server": [raw["toolUse"]["name"] for raw in natives if "toolUse" in raw],
        "stop": choice.stop,
        "usage": usage and (usage.input, usage.output, usage.cache_read, usage.cache_write_5m + usage.cache_write_1h),
    }


def test_a_recorded_event_stream_decodes_to_the_recorded_events(exchanges: list[dict[str, Any]]) -> None:
    count = 0
    for exchange in exchanges:
        response = exchange["response"]
        if "events" in response:
            messages = list(MessageCutter().feed(base64.b64decode(response["eventstream_b64"])))
            read = [(message.name, message.kind, json.loads(message.payload)) for message in messages]
            told = [(event["type"], event["message_type"], event["payload"]) for event in response["events"]]
            assert read == told, exchange["id"]
            count += 1
    assert count > 5


def test_a_recorded_answer_keeps_its_text_calls_thinking_stop_and_usage(exchanges: list[dict[str, Any]]) -> None:
    count = 0
    for name, body in bodies_of(exchanges):
        assert plain(CODEC.parse_answer(body)) == plain_body(body), name
        count += 1
    assert count > 60


def test_a_recorded_stream_keeps_its_text_calls_thinking_stop_and_usage(exchanges: list[dict[str, Any]]) -> None:
    count = 0
    for name, chunks, stream in streams(exchanges):
        assert plain(folded(CODEC, stream, name)) == plain_stream(chunks), name
        count += 1
    assert count > 10


def test_every_cut_of_a_recorded_stream_gives_the_same_events(exchanges: list[dict[str, Any]]) -> None:
    dice = random.Random(5)
    for name, _, stream in streams(exchanges):
        assert_same_at_any_cut(CODEC, stream, dice, name)


def test_a_recorded_answer_written_again_is_the_same_answer(exchanges: list[dict[str, Any]]) -> None:
    for name, body in bodies_of(exchanges):
        answer = CODEC.parse_answer(body)
        opening = Opening("call", "model")
        assert CODEC.parse_answer(CODEC.render_answer(answer, opening)) == answer, name
        assert opening.losses == [], name


def test_a_recorded_answer_sent_as_a_stream_is_the_same_answer(exchanges: list[dict[str, Any]]) -> None:
    answers = [(name, CODEC.parse_answer(body)) for name, body in bodies_of(exchanges)]
    answers += [(name, folded(CODEC, stream, name)) for name, _, stream in streams(exchanges)]
    for name, answer in answers:
        again = streamed_again(CODEC, answer, name)
        again.rest = {key: value for key, value in again.rest.items() if key not in UNTOLD}
        answer.rest = {key: value for key, value in answer.rest.items() if key not in UNTOLD}
        if answer.usage is None:
            again.usage, again.raw_usage = None, {}
        assert again == answer, name


def test_a_recorded_request_keeps_its_meaning(exchanges: list[dict[str, Any]]) -> None:
    count = 0
    for exchange in exchanges:
        request = exchange["request"]
        if not request or not isinstance(request.get("body"), dict):
            continue
        model = unquote(request["path"].split("/")[2])
        parsed = CODEC.parse_request(request["body"], model, is_stream=request["path"].endswith("-stream"))
        rendered = CODEC.render_request(parsed)
        assert meaning(rendered.body) == meaning(request["body"]), exchange["id"]
        assert rendered.losses == [], exchange["id"]
        assert (parsed.model, parsed.is_stream) == (model, exchange["api"] == "converse_stream")
        count += 1
    assert count > 60


def meaning(body: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing: empty members, a status of success, the border between turns of one role."""
    body = json.loads(json.dumps(body))
    messages: list[dict[str, Any]] = []
    for message in body["messages"]:
        for block in message["content"]:
            if "toolResult" in block:
                block["toolResult"].setdefault("status", "success")
        if messages and messages[-1]["role"] == message["role"]:
            messages[-1]["content"] += message["content"]
        else:
            messages.append(message)
    body["messages"] = messages
    body["inferenceConfig"] = {name: value for name, value in body.get("inferenceConfig", {}).items() if value != []}
    definition = body.get("outputConfig", {}).get("textFormat", {}).get("structure", {}).get("jsonSchema")
    if definition:
        definition["schema"] = json.loads(definition["schema"])
    return {name: value for name, value in body.items() if value not in ({}, [])}


def test_a_recorded_error_says_whose_fault_it_is(exchanges: list[dict[str, Any]]) -> None:
    for exchange in exchanges:
        response = exchange["response"]
        if response["status"] != 200:
            failure = CODEC.parse_failure(response["status"], response["headers"], orjson.dumps(response["body"]))
            kinds = {400: "invalid_request", 403: "authentication"}
            assert (failure.kind, failure.status) == (kinds[response["status"]], response["status"]), exchange["id"]
            assert failure.message == response["body"]["message"]


def test_no_damage_makes_the_codec_fail_otherwise_than_it_says(exchanges: list[dict[str, Any]]) -> None:
    dice = random.Random(7)
    for exchange in exchanges:
        chunks = chunks_of(exchange["response"])
        assert_damage_is_survived(CODEC, exchange, chunks, written, dice, "anthropic.claude-sonnet-4-5")
