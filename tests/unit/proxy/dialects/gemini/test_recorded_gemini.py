"""The codec against recorded exchanges with Gemini and Vertex that nobody of this project wrote."""

import json
import random
from functools import cache
from typing import Any

import orjson
import pytest

from proxy.canonical.answer import Answer
from proxy.canonical.events import Failed
from proxy.canonical.folding import unfold
from proxy.canonical.parts import Native, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Request
from proxy.dialects.codec import Opening
from proxy.dialects.gemini.codec import CODEC
from proxy.dialects.gemini.encoder import GeminiEncoder
from proxy.dialects.gemini.tap import GeminiStreamReader, cutter_for, read_gemini_body
from tests.unit.proxy.dialects.gemini.playbook import array, decoded, sse
from tests.unit.proxy.dialects.recorded import folded, needs_recordings, recorded_at, sample
from tests.unit.proxy.dialects.streams import assert_same_at_any_cut, encode_with

PROVIDERS = {"gemini", "vertex"}
OWN_PARTS = {"executableCode", "codeExecutionResult", "toolCall", "toolResponse", "videoMetadata"}
SEED = 5
OPENING = Opening("", "")

pytestmark = needs_recordings


@cache
def exchanges() -> tuple[dict[str, Any], ...]:
    return tuple(sample([one for one in recorded_at("generate_content") if one["provider"] in PROVIDERS]))


def chunks_of(response: dict[str, Any]) -> list[dict[str, Any]]:
    if "sse_text" in response:
        return [json.loads(line[5:]) for line in response["sse_text"].splitlines() if line.startswith("data:")]
    body = response.get("chunks") or response.get("body")
    return body if isinstance(body, list) else [body]


def answered() -> list[tuple[str, list[dict[str, Any]], bool]]:
    """Id, chunks and whether it was a stream, of each exchange with an answer."""
    return [
        (one["id"], chunks_of(one["response"]), isinstance(one["response"].get("body"), dict) is False)
        for one in exchanges()
        if one["response"]["status"] == 200
    ]


def plain_text(chunks: list[dict[str, Any]], *, thoughts: bool = False) -> str:
    parts = [
        part
        for chunk in chunks
        for candidate in chunk.get("candidates", [])
        for part in candidate.get("content", {}).get("parts", [])
    ]
    return "".join(part.get("text", "") for part in parts if bool(part.get("thought")) == thoughts)


def plain_calls(chunks: list[dict[str, Any]]) -> list[tuple[str, Any]]:
    """Names and arguments; of arguments in pieces only the strings, joined."""
    calls: list[tuple[str, Any]] = []
    for chunk in chunks:
        for candidate in chunk.get("candidates", []):
            for part in candidate.get("content", {}).get("parts", []):
                call = part.get("functionCall")
                if call and call.get("name"):
                    calls.append((call["name"], call.get("args", {}) if not call.get("willContinue") else ""))
                for piece in (call or {}).get("partialArgs", []):
                    calls[-1] = (calls[-1][0], calls[-1][1] + piece.get("stringValue", ""))
    return calls


def strings(value: Any) -> str:
    if isinstance(value, dict | list):
        return "".join(strings(one) for one in (value.values() if isinstance(value, dict) else value))
    return value if isinstance(value, str) else ""


def plain_finish(chunks: list[dict[str, Any]]) -> str:
    blocked = [chunk["promptFeedback"]["blockReason"] for chunk in chunks if "promptFeedback" in chunk]
    said = [one.get("finishReason") for chunk in chunks for one in chunk.get("candidates", [])]
    word = next((one for one in reversed(said) if one), blocked[0] if blocked else "")
    return "STOP" if word == 1 else word


def said(answer: Answer) -> tuple[str, str, list[tuple[str, Any]]]:
    parts = [part for choice in answer.choices for part in choice.parts]
    return (
        "".join(part.text for part in parts if isinstance(part, Text)),
        "".join(part.text for part in parts if isinstance(part, Thinking)),
        [(part.name, json.loads(part.arguments)) for part in parts if isinstance(part, ToolCall)],
    )


@pytest.mark.parametrize("form", [sse, array])
def test_a_recorded_answer_is_read_as_it_stands_there(form: Any) -> None:
    count = 0
    for identity, chunks, _ in answered():
        if not any(plain_finish([chunk]) for chunk in chunks):
            continue
        answer = folded(CODEC, form(*chunks), identity)
        text, thoughts, calls = said(answer)
        assert (text, thoughts) == (plain_text(chunks), plain_text(chunks, thoughts=True)), identity
        plain = plain_calls(chunks)
        assert [name for name, _ in calls] == [name for name, _ in plain], identity
        for (_, arguments), (_, expected) in zip(calls, plain, strict=True):
            assert (strings(arguments) if isinstance(expected, str) else arguments) == expected, identity
        assert answer.choices[-1].native_stop == plain_finish(chunks), identity
        count += 1
    assert count > 100


def test_a_recorded_usage_adds_up_to_the_providers_own_total() -> None:
    count = 0
    for identity, chunks, _ in answered():
        usage = next((one["usageMetadata"] for one in reversed(chunks) if "usageMetadata" in one), {})
        if "totalTokenCount" not in usage:
            continue
        found = folded(CODEC, sse(*chunks), identity).usage
        assert found is not None
        assert found.input + found.cache_read + found.output == usage["totalTokenCount"], identity
        assert found.cache_read == usage.get("cachedContentTokenCount", 0), identity
        assert found.reasoning == usage.get("thoughtsTokenCount", 0), identity
        if "candidatesTokenCount" in usage:
            assert found.output == usage["candidatesTokenCount"] + usage.get("thoughtsTokenCount", 0), identity
        tapped = GeminiStreamReader()
        tapped.read(sse(*chunks))
        assert tapped.reading.usage == found, identity
        count += 1
    assert count > 100


def test_a_recorded_answer_written_again_is_read_the_same() -> None:
    count = 0
    for identity, chunks, is_stream in answered():
        if is_stream:
            answer = folded(CODEC, sse(*chunks), identity)
            for is_array in (False, True):
                stream = encode_with(GeminiEncoder(OPENING, is_array=is_array), decoded(sse(*chunks)))
                assert folded(CODEC, stream, identity) == answer, identity
        else:
            answer = CODEC.parse_answer(chunks[0])
            assert CODEC.parse_answer(orjson.loads(orjson.dumps(CODEC.render_answer(answer, OPENING)))) == answer, (
                identity
            )
            stream = encode_with(CODEC.encoder(OPENING), unfold(answer))
            assert folded(CODEC, stream, identity) == answer, identity
        count += 1
    assert count > 100


def test_every_cut_of_a_recorded_stream_gives_the_same_events() -> None:
    dice = random.Random(SEED)
    count = 0
    for identity, chunks, is_stream in answered():
        for stream in (sse(*chunks), array(*chunks)) if is_stream else ():
            assert_same_at_any_cut(CODEC, stream, dice, identity)
            count += 1
    assert count > 20


def test_a_recorded_stream_that_is_cut_short_is_truncated() -> None:
    for identity, chunks, is_stream in answered():
        if is_stream and len(chunks) > 1:
            for form in (sse, array):
                events = decoded(form(*chunks[:-1]))
                assert isinstance(events[-1], Failed), identity
                assert events[-1].failure.kind == "truncated", identity


def test_a_recorded_error_says_what_kind_it_is() -> None:
    kinds = {400: {"invalid_request"}, 403: {"permission"}, 404: {"not_found"}, 429: {"rate_limit", "quota"}}
    for one in exchanges():
        status = one["response"]["status"]
        if status >= 400:
            body = orjson.dumps(one["response"]["body"])
            failure = CODEC.parse_failure(status, {}, body)
            assert failure.kind in kinds[status], one["id"]
            assert failure.message == one["response"]["body"]["error"]["message"]
            assert CODEC.parse_failure(status, {}, b"[" + body + b"]") == failure
            if "retryDelay" in body.decode():
                assert failure.retry_after_seconds, one["id"]


def meaning(request: Request) -> list[Any]:
    """What is asked, without how the turns are cut into contents."""
    flat: list[Any] = []
    for message in request.messages:
        role = "user" if message.role == "tool" else message.role
        for part in message.parts:
            if not flat or flat[-1][0] != role:
                flat.append((role, []))
            flat[-1][1].append(part)
    return [
        flat, request.tools, request.tool_choice, request.reasoning, request.format, request.rest, request.stop,
        request.max_tokens, request.temperature, request.top_p, request.top_k, request.seed, request.count,
        request.logprobs, request.top_logprobs, request.modalities, request.service_tier,
    ]  # fmt: skip


def test_a_recorded_request_written_again_asks_the_same() -> None:
    count = 0
    for one in exchanges():
        body = (one["request"] or {}).get("body")
        if not isinstance(body, dict):
            continue
        model = one["request"]["path"].rpartition("models/")[2].partition(":")[0]
        request = CODEC.parse_request(body, model, is_stream="stream" in one["request"]["path"])
        rendered = CODEC.render_request(request)
        assert rendered.losses == [], one["id"]
        again = CODEC.parse_request(orjson.loads(orjson.dumps(rendered.body)), model)
        assert meaning(again) == meaning(request), one["id"]
        calls = [part for message in request.messages for part in message.parts if isinstance(part, ToolCall)]
        results = [part for message in request.messages for part in message.parts if isinstance(part, ToolResult)]
        assert {part.id for part in results} <= {part.id for part in calls}, one["id"]
        natives = [part for message in request.messages for part in message.parts if isinstance(part, Native)]
        assert {next(iter(part.raw.keys() - {"thoughtSignature"})) for part in natives} <= OWN_PARTS, one["id"]
        count += 1
    assert count > 100


def test_a_recorded_stream_passes_and_is_read_the_same_at_every_cut() -> None:
    random.seed(SEED)
    for identity, chunks, is_stream in answered():
        forms = ((sse, b"text/event-stream"), (array, b"application/json; charset=UTF-8"))
        for form, content_type in forms if is_stream else ():
            stream = form(*chunks)
            readings = []
            for width in (0, 1, 5, 50):
                cutter, reader, passed, start = cutter_for(content_type), GeminiStreamReader(), b"", 0
                for cut in [*sorted(random.choices(range(len(stream)), k=width)), len(stream)]:
                    block = cutter.feed(stream[start:cut])
                    reader.read(block)
                    passed, start = passed + block, cut
                rest = cutter.close()
                reader.read(rest)
                assert passed + rest == stream, identity
                readings.append(seen(reader.reading))
            assert readings == [readings[0]] * 4, identity
            assert readings[0][-1], identity


def seen(reading: Any) -> tuple[Any, ...]:
    return (
        reading.usage, reading.stop_reason, reading.model, reading.response_id, reading.error_code,
        reading.output_characters, reading.digest(), reading.is_complete,
    )  # fmt: skip


def test_a_recorded_body_is_read_with_its_text_and_usage() -> None:
    for one in exchanges():
        body = one["response"].get("body")
        reading = read_gemini_body(orjson.dumps(body if body is not None else {}))
        if one["response"]["status"] >= 400:
            assert reading.error_code, one["id"]
        elif isinstance(body, dict):
            answer = CODEC.parse_answer(body)
            assert reading.usage == answer.usage, one["id"]
            assert reading.model == answer.model, one["id"]
            assert reading.stop_reason == answer.choices[0].native_stop, one["id"]
