"""The codec against recorded exchanges with Cohere. What is right is told by the plain reading in this file."""

import json
import random
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from proxy.canonical.answer import Answer
from proxy.canonical.parts import Text, Thinking, ToolCall
from proxy.dialects.codec import Opening
from proxy.dialects.cohere.codec import CODEC
from proxy.dialects.cohere.content_in import PLAN
from tests.unit.proxy.dialects.recorded import (
    assert_damage_is_survived,
    bodies_of,
    exchanges_of,
    folded,
    needs_recordings,
    streamed_again,
)
from tests.unit.proxy.dialects.streams import assert_same_at_any_cut, decode_with

pytestmark = needs_recordings

STOPS = {"COMPLETE": "stop", "TOOL_CALL": "tool_calls", "MAX_TOKENS": "length", "STOP_SEQUENCE": "stop_sequence"}


@pytest.fixture(scope="module")
def exchanges() -> list[dict[str, Any]]:
    return exchanges_of("cohere", "chat_v2")


def chunks_of(response: dict[str, Any]) -> list[dict[str, Any]]:
    if "chunks" in response:
        return list(response["chunks"])
    lines = str(response.get("sse_text", "")).splitlines()
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


def written(chunks: list[dict[str, Any]]) -> bytes:
    return b"".join(b"event: x\ndata: %b\n\n" % orjson.dumps(chunk) for chunk in chunks)


def streams(exchanges: list[dict[str, Any]]) -> Iterator[tuple[str, list[dict[str, Any]], bytes]]:
    for exchange in exchanges:
        if chunks := chunks_of(exchange["response"]):
            text = exchange["response"].get("sse_text")
            yield exchange["id"], chunks, text.encode() if text else written(chunks)


def plain_body(body: dict[str, Any]) -> dict[str, Any]:
    message = body["message"]
    return {
        "text": "".join(block.get("text", "") for block in message.get("content") or ()),
        "thinking": "".join(block.get("thinking", "") for block in message.get("content") or ()),
        "plan": message.get("tool_plan", ""),
        "calls": [
            (call["id"], call["function"]["name"], json.loads(call["function"]["arguments"] or "{}"))
            for call in message.get("tool_calls") or ()
        ],
        "cited": [citation["text"] for citation in message.get("citations") or ()],
        "stop": STOPS[body["finish_reason"]],
        "billed": (body["usage"]["billed_units"]["input_tokens"], body["usage"]["billed_units"]["output_tokens"]),
    }


def plain_stream(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The stream put together to a body, as Cohere's documents describe it."""
    message: dict[str, Any] = {"content": {}, "tool_plan": "", "tool_calls": {}, "citations": []}
    end: dict[str, Any] = {}
    for chunk in chunks:
        said = chunk.get("delta", {}).get("message", {})
        match chunk["type"]:
            case "content-delta":
                block = message["content"].setdefault(chunk["index"], {})
                for name, piece in said["content"].items():
                    block[name] = block.get(name, "") + piece
            case "tool-plan-delta":
                message["tool_plan"] += said["tool_plan"]
            case "tool-call-start":
                message["tool_calls"][chunk["index"]] = said["tool_calls"]
            case "tool-call-delta":
                function = message["tool_calls"][chunk["index"]]["function"]
                function["arguments"] += said["tool_calls"]["function"]["arguments"]
            case "citation-start":
                message["citations"].append(said["citations"])
            case "message-end":
                end = chunk["delta"]
    message |= {"content": list(message["content"].values()), "tool_calls": list(message["tool_calls"].values())}
    return plain_body({**end, "message": message})


def plain(answer: Answer) -> dict[str, Any]:
    (choice,) = answer.choices
    thoughts = [part for part in choice.parts if isinstance(part, Thinking)]
    texts = [part for part in choice.parts if isinstance(part, Text)]
    assert answer.usage is not None
    return {
        "text": "".join(part.text for part in texts),
        "thinking": "".join(thought.text for thought in thoughts if thought.item_id != PLAN),
        "plan": "".join(thought.text for thought in thoughts if thought.item_id == PLAN),
        "calls": [
            (part.id, part.name, json.loads(part.arguments)) for part in choice.parts if isinstance(part, ToolCall)
        ],
        "cited": [citation.text for text in texts for citation in text.citations],
        "stop": choice.stop,
        "billed": (answer.usage.input, answer.usage.output),
    }


def test_a_recorded_answer_keeps_text_calls_citations_stop_and_what_is_billed(exchanges: list[dict[str, Any]]) -> None:
    count = 0
    for name, body in bodies_of(exchanges):
        assert plain(CODEC.parse_answer(body)) == plain_body(body), name
        count += 1
    assert count > 20


def test_a_recorded_stream_keeps_text_calls_citations_stop_and_what_is_billed(exchanges: list[dict[str, Any]]) -> None:
    count = 0
    for name, chunks, stream in streams(exchanges):
        assert plain(folded(CODEC, stream, name)) == plain_stream(chunks), name
        count += 1
    assert count > 10


def test_every_cut_of_a_recorded_stream_gives_the_same_events(exchanges: list[dict[str, Any]]) -> None:
    dice = random.Random(5)
    for name, _, stream in streams(exchanges):
        whole = decode_with(CODEC, stream)
        for end in (b"\n", b"\r\n", b"\r"):
            ended = stream.replace(b"\n", end)
            assert decode_with(CODEC, ended) == whole, name
            assert_same_at_any_cut(CODEC, ended, dice, name)


def test_a_recorded_answer_written_again_is_what_was_recorded(exchanges: list[dict[str, Any]]) -> None:
    for name, body in bodies_of(exchanges):
        opening = Opening("call", "model")
        assert CODEC.render_answer(CODEC.parse_answer(body), opening) == body, name
        assert opening.losses == [], name


def test_a_recorded_answer_sent_as_a_stream_is_the_same_answer(exchanges: list[dict[str, Any]]) -> None:
    answers = [(name, CODEC.parse_answer(body)) for name, body in bodies_of(exchanges)]
    answers += [(name, folded(CODEC, stream, name)) for name, _, stream in streams(exchanges)]
    for name, answer in answers:
        assert streamed_again(CODEC, answer, name) == answer, name


def test_a_recorded_request_keeps_its_meaning(exchanges: list[dict[str, Any]]) -> None:
    count = 0
    for exchange in exchanges:
        if exchange["request"]:
            body = exchange["request"]["body"]
            rendered = CODEC.render_request(CODEC.parse_request(body))
            assert meaning(rendered.body) == meaning(body), exchange["id"]
            assert rendered.losses == [], exchange["id"]
            count += 1
    assert count > 20


def meaning(body: dict[str, Any]) -> dict[str, Any]:
    """Without what says nothing; a text of the assistant is a list of one."""
    body = json.loads(json.dumps(body))
    for message in body["messages"]:
        if message.get("content") is None:
            message.pop("content", None)
        elif message["role"] == "assistant" and isinstance(message["content"], str):
            message["content"] = [{"type": "text", "text": message["content"]}]
    return {name: value for name, value in body.items() if value is not False}


def test_no_damage_makes_the_codec_fail_otherwise_than_it_says(exchanges: list[dict[str, Any]]) -> None:
    dice = random.Random(7)
    for exchange in exchanges * 4:  # there are few of them
        assert_damage_is_survived(CODEC, exchange, chunks_of(exchange["response"]), written, dice)
