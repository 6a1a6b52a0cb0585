"""The codec against recorded chat completions of many providers, read a second time, plainly, by this file alone."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import msgspec
import pytest

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.events import UsageReported
from proxy.canonical.failure import Failure
from proxy.canonical.folding import Folder, fold
from proxy.canonical.parts import Media, Refusal, Text, Thinking, ToolCall
from proxy.canonical.request import Request
from proxy.dialects.codec import Opening
from proxy.dialects.openai.codec import CODEC
from proxy.records import Usage
from tests.unit.proxy.dialects.recorded import TAKES_ALL, needs_recordings, recorded_at, streamed_again
from tests.unit.proxy.dialects.streams import assert_same_at_any_cut, decode_with, encode_with

SAMPLE = None if TAKES_ALL else 8  # of each provider
FINISH = {"eos": "stop", "function_call": "tool_calls", "max_tokens": "length"}
pytestmark = [
    needs_recordings,
    pytest.mark.timeout(280),
]


@cache
def exchanges() -> list[dict[str, Any]]:
    """A sample has streams and errors before whole answers: they are the rarer."""
    found, taken = [], Counter[tuple[str, str]]()
    for exchange in recorded_at("chat_completions"):
        if exchange["response"]:
            kind = (exchange["provider"], _form(exchange))
            taken[kind] += 1
            if SAMPLE is None or taken[kind] <= SAMPLE // 2:
                found.append(exchange)
    return found


def _form(exchange: dict[str, Any]) -> str:
    return "error" if exchange["response"]["status"] >= 400 else "stream" if stream_of(exchange) else "body"


def stream_of(exchange: dict[str, Any]) -> bytes:
    response = exchange["response"]
    if "chunks" in response:
        chunks = (f"data: {json.dumps(chunk)}\n\n" for chunk in response["chunks"])
        return ("".join(chunks) + "data: [DONE]\n\n").encode()
    return str(response.get("sse_text") or "").encode()


def bodies() -> Iterator[tuple[str, dict[str, Any]]]:
    for exchange in exchanges():
        body = exchange["response"].get("body")
        if isinstance(body, dict) and exchange["response"]["status"] == 200:
            yield exchange["id"], body


def streams() -> Iterator[tuple[str, bytes]]:
    for exchange in exchanges():
        if stream := stream_of(exchange):
            yield exchange["id"], stream


decode = partial(decode_with, CODEC)


# The plain reading: what a person with the provider's page in hand would say that the JSON says.


def plain_text(content: Any) -> str:
    if isinstance(content, list):
        return "".join(part.get("text") or "" for part in content)
    return content if isinstance(content, str) else json.dumps(content, separators=(",", ":")) if content else ""


def plain_calls(message: dict[str, Any]) -> list[tuple[str, str]]:
    calls = []
    for call in message.get("tool_calls") or ():
        body = call["custom"] if call.get("type") == "custom" else call["function"]
        calls.append((body["name"], body["input"] if call.get("type") == "custom" else body.get("arguments") or "{}"))
    old = message.get("function_call") or {}
    return calls + ([(old["name"], old["arguments"])] if old.get("name") else [])


def plain_stop(word: str | None, has_calls: bool, has_refusal: bool) -> str:
    word = FINISH.get(word or "stop", word or "stop")
    return word if word != "stop" else "tool_calls" if has_calls else "refusal" if has_refusal else "stop"


def plain_usage(usage: dict[str, Any]) -> tuple[int, int]:
    return usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0


def plain_chunks(stream: bytes) -> Iterator[dict[str, Any]]:
    for line in stream.decode().replace("\r\n", "\n").split("\n"):
        if line.strip().startswith("data:") and "[DONE]" not in line:
            yield json.loads(line.strip()[5:])


def said(choice: Choice) -> tuple[str, list[tuple[str, str]]]:
    text = "".join(part.text for part in choice.parts if isinstance(part, Text))
    return text, [(part.name, part.arguments) for part in choice.parts if isinstance(part, ToolCall)]


def counted(usage: Usage | None, raw: dict[str, Any]) -> tuple[int, int]:
    assert usage is not None
    beside = usage.reasoning if usage.output > (raw.get("completion_tokens") or 0) else 0  # xAI
    return usage.input + usage.cache_read + usage.cache_write_5m + usage.cache_write_1h, usage.output - beside


def test_a_whole_answer_says_what_its_json_says() -> None:
    count = 0
    for name, body in bodies():
        if "error" in body:
            continue
        answer = CODEC.parse_answer(body)
        assert len(answer.choices) == len(body["choices"]), name
        for choice, raw in zip(answer.choices, body["choices"], strict=True):
            message = raw.get("message") or {}
            assert said(choice) == (plain_text(message.get("content")), plain_calls(message)), name
            refusals = "".join(part.text for part in choice.parts if isinstance(part, Refusal))
            assert refusals == (message.get("refusal") or ""), name
            word = raw.get("finish_reason") or raw.get("finish_details", {}).get("type")
            assert choice.stop == plain_stop(word, bool(plain_calls(message)), bool(refusals)), name
        if body.get("usage"):
            assert counted(answer.usage, body["usage"]) == plain_usage(body["usage"]), name
        count += 1
    assert count > (900 if SAMPLE is None else 40)


def test_a_stream_folds_to_what_its_chunks_say() -> None:
    count = 0
    for name, stream in streams():
        chunks = list(plain_chunks(stream))
        answer = fold(decode(stream), "openai")
        if any(chunk.get("error") for chunk in chunks):
            assert isinstance(answer, Failure), name
            continue
        assert isinstance(answer, Answer), (name, answer)
        choices = [choice for chunk in chunks for choice in chunk.get("choices") or ()]
        assert {choice.get("index") or 0 for choice in choices} == set(range(len(answer.choices))), name
        for index, choice in enumerate(answer.choices):
            deltas = [one.get("delta") or {} for one in choices if (one.get("index") or 0) == index]
            assert said(choice) == ("".join(plain_text(d.get("content")) for d in deltas), joined(deltas)), name
            words = [one["finish_reason"] for one in choices if one.get("finish_reason")]
            word = words[-1] if words else None
            assert choice.stop == plain_stop(word, bool(joined(deltas)), False), name
        usages = [u for c in chunks if (u := c.get("usage") or (c.get("x_groq") or {}).get("usage"))]
        assert (answer.usage is not None) == bool(usages), name
        if usages:
            assert counted(answer.usage, usages[-1]) == plain_usage(usages[-1]), name
        count += 1
    assert count > (300 if SAMPLE is None else 40)


def joined(deltas: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """A piece with a name and a new id begins a call; the recordings need no more than that and the index."""
    calls: list[list[str]] = []
    places: dict[Any, list[str]] = {}
    for delta in deltas:
        for piece in delta.get("tool_calls") or ():
            body = piece.get("function") or {}
            if body.get("name") and piece.get("id") not in places:
                calls.append([body["name"], ""])
                places[piece.get("id")] = places[piece.get("index", len(calls) - 1)] = calls[-1]
            places.get(piece.get("index"), calls[-1])[1] += body.get("arguments") or ""
    return [(name, arguments or "{}") for name, arguments in calls]


def test_any_cut_of_a_stream_gives_the_same_events() -> None:
    dice = random.Random(5)
    for name, stream in streams():
        whole = decode(stream)
        assert_same_at_any_cut(CODEC, stream, dice, name)
        assert decode(stream.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), [len(stream) // 3]) == whole, name
        assert decode(stream.replace(b"data:", b": a comment\ndata:"), [len(stream) // 2]) == whole, name


def test_every_part_of_a_stream_is_a_truncated_answer_or_a_failure_and_never_a_crash() -> None:
    for name, stream in streams():
        for share in (0.3, 0.7):
            folder = Folder("openai")
            for event in decode(stream[: int(len(stream) * share)]):
                folder.take(event)
            assert folder.failure or folder.is_complete, name


def test_an_answer_that_is_rendered_again_is_the_same_answer() -> None:
    for name, body in bodies():
        if "error" not in body:
            answer = CODEC.parse_answer(body)
            again = CODEC.parse_answer(CODEC.render_answer(answer, Opening("call_1", "m")))
            assert comparable(again) == comparable(answer), name


def test_a_stream_that_is_rendered_again_is_the_same_stream() -> None:
    for name, stream in streams():
        events = decode(stream)
        answer = fold(events, "openai")
        again = fold(decode(encode_with(CODEC.encoder(Opening("call_1", "m")), events)), "openai")
        if isinstance(answer, Failure):
            assert isinstance(again, Failure), name
            assert again.message == answer.message, name
        else:
            assert isinstance(again, Answer), (name, again)
            assert comparable(again) == comparable(answer), name


def test_a_whole_answer_and_a_stream_of_it_read_the_same() -> None:
    for name, body in bodies():
        if "error" not in body:
            answer = CODEC.parse_answer(body)
            again = streamed_again(CODEC, answer, name)
            assert [said(choice) for choice in again.choices] == [said(choice) for choice in answer.choices], name
            assert [choice.stop for choice in again.choices] == [choice.stop for choice in answer.choices], name


def comparable(answer: Answer) -> Answer:
    """Without what another envelope changes: the id's beginning and members that nothing stands for.

    Sources beside the choices come as citations of the text, and are dropped with those members.
    """
    choices = [
        msgspec.structs.replace(
            choice,
            parts=[_bare(part) for part in choice.parts if part != Text("")],
            native_stop=choice.native_stop or choice.stop,  # who says no word is given one
        )
        for choice in answer.choices
    ]
    return msgspec.structs.replace(answer, id="", rest={}, choices=choices, model="", created=0)


def _bare(part: Any) -> Any:
    if isinstance(part, Text):
        own = [citation for citation in part.citations if "search_result" not in citation.raw]
        return msgspec.structs.replace(part, citations=own)
    if isinstance(part, ToolCall) and part.id.startswith("call_") and part.id.count("_") == 2:
        return msgspec.structs.replace(part, id="")
    if isinstance(part, Thinking) and part.format in {"reasoning", "thinking"}:
        return msgspec.structs.replace(part, format="")  # the member it came in: clients are shown one
    return part


def test_every_recorded_error_is_a_failure_of_its_kind() -> None:
    kinds = {400: {"invalid_request", "content_filter"}, 401: {"authentication"}, 404: {"not_found"}}
    kinds |= {429: {"rate_limit"}, 503: {"unavailable"}}
    for exchange in exchanges():
        response = exchange["response"]
        if response["status"] >= 400:
            text = response["body_text"] if "body_text" in response else json.dumps(response.get("body"))
            failure = CODEC.parse_failure(response["status"], response["headers"], text.encode())
            assert failure.kind in kinds[response["status"]], (exchange["id"], failure)
            assert failure.message
            status, body = CODEC.render_failure(failure, "req_1")
            again = CODEC.parse_failure(status, {}, json.dumps(body).encode())
            assert (again.kind, again.message) == (failure.kind, failure.message), exchange["id"]


def test_a_recorded_request_keeps_its_meaning() -> None:
    count = 0
    for exchange in exchanges():
        body = (exchange["request"] or {}).get("body")
        if isinstance(body, dict) and isinstance(body.get("messages"), list):
            request = CODEC.parse_request(body)
            rendered = CODEC.render_request(request)
            assert rendered.losses == [], exchange["id"]
            again = CODEC.parse_request(rendered.body)
            assert meaning(again) == meaning(request), exchange["id"]
            assert [plain_text(m.get("content")) for m in rendered.body["messages"]] == [
                plain_text(m.get("content")) for m in body["messages"]
            ], exchange["id"]
            count += 1
    assert count > (1000 if SAMPLE is None else 40)


def meaning(request: Request) -> Request:
    for message in request.messages:
        message.role = "system" if message.role == "developer" else message.role
        for part in message.parts:
            if isinstance(part, Media) and part.data and part.kind == "document":
                part.name = part.name or "document.pdf"  # OpenAI wants one
    return msgspec.structs.replace(request, has_functions=False, includes_usage=False)


def test_usage_is_told_once_and_last() -> None:
    for name, stream in streams():
        assert sum(isinstance(event, UsageReported) for event in decode(stream)) <= 1, name
