"""The codec and the tap against recorded answers of many providers that nobody of this project wrote."""

import json
import random
from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import msgspec

from proxy.canonical.answer import Answer
from proxy.canonical.events import Event, Failed, MessageStarted
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold
from proxy.canonical.parts import Native, Refusal, Text, Thinking, ToolCall
from proxy.dialects.codec import Opening
from proxy.dialects.responses.codec import CODEC
from proxy.dialects.responses.tap import ResponsesStreamReader, read_responses_body
from tests.unit.proxy.dialects.recorded import TAKES_ALL, Exchange, needs_recordings, recorded_at
from tests.unit.proxy.dialects.streams import decode_with, encode_with

EVERY = 1 if TAKES_ALL else 5

pytestmark = needs_recordings

decoded = partial(decode_with, CODEC)


@cache
def exchanges() -> list[Exchange]:
    """Of each provider every fifth, the first one always."""
    seen: dict[str, int] = {}
    found = []
    for exchange in recorded_at("responses"):
        number = seen[exchange["provider"]] = seen.get(exchange["provider"], -1) + 1
        if number % EVERY == 0:
            found.append(exchange)
    return found


def streams() -> Iterator[tuple[Exchange, list[dict[str, Any]], bytes]]:
    """Those in this dialect, as their events and as bytes."""
    for exchange in exchanges():
        response = exchange["response"] or {}
        if text := response.get("sse_text"):
            lines = [line[5:] for line in text.split("\n") if line.startswith("data:") and "[DONE]" not in line]
            yield exchange, [json.loads(line) for line in lines], text.encode()
        for events in calls(response.get("chunks") or []):
            data = b"".join(b"event: %b\ndata: %b\n\n" % (event["type"].encode(), _json(event)) for event in events)
            yield exchange, events, data


def calls(chunks: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """A recording of several steps holds the streams of all of them; one is in another dialect."""
    found: list[list[dict[str, Any]]] = []
    for chunk in chunks:
        if chunk.get("type") == "response.created":
            found.append([])
        if found:
            found[-1].append(chunk)
    return found


def bodies() -> Iterator[tuple[Exchange, dict[str, Any]]]:
    for exchange in exchanges():
        body = (exchange["response"] or {}).get("body")
        if isinstance(body, dict) and isinstance(body.get("output"), list):
            yield exchange, body


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def plain(response: dict[str, Any]) -> dict[str, Any]:
    """What an answer says, read without the code under test."""
    text, calls, natives = "", [], []
    for item in response["output"]:
        if item["type"] == "message":
            for part in item["content"]:
                text += part.get("text") or part.get("refusal") or ""
        elif item["type"] == "function_call":
            own = item.get("namespace") in {None, item["name"]}  # deferred, and found by a search
            name = item["name"] if own else f"{item['namespace']}__{item['name']}"
            calls.append((name, item["arguments"] or "{}", item["call_id"]))
        elif item["type"] == "custom_tool_call":
            calls.append((item["name"], item["input"], item["call_id"]))
        elif item["type"] not in {"reasoning", "image_generation_call"}:
            natives.append(item)
    return {"text": text, "calls": calls, "natives": in_any_order(natives)}


def in_any_order(items: list[dict[str, Any]]) -> list[str]:
    """OpenAI leaves out the end of some `mcp_list_tools`, and encrypts the same item anew for its last event."""
    return sorted(json.dumps({**item, "encrypted_content": "", "fingerprint": ""}, sort_keys=True) for item in items)


def said(answer: Answer) -> dict[str, Any]:
    parts = answer.choices[0].parts
    return {
        "text": "".join(part.text for part in parts if isinstance(part, Text | Refusal)),
        "calls": [(part.name, part.arguments, part.id) for part in parts if isinstance(part, ToolCall)],
        "natives": in_any_order([part.raw for part in parts if isinstance(part, Native)]),
    }


def is_thinned(events: list[dict[str, Any]]) -> bool:
    """Some recordings kept only a few of the deltas: what they told is not how the text begins."""
    told = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    return told != "".join(event["text"] for event in events if event["type"] == "response.output_text.done")


def assert_same_end(answer: Answer, response: dict[str, Any], mark: str) -> None:
    stop = answer.choices[0].stop
    reason = (response.get("incomplete_details") or {}).get("reason")
    if reason:
        assert stop == {"max_output_tokens": "length", "content_filter": "content_filter"}[reason], mark
    elif response["status"] == "completed":
        kinds = {item["type"] for item in response["output"]}
        is_refused = '"type": "refusal"' in json.dumps(response["output"])
        expected = "tool_calls" if kinds & {"function_call", "custom_tool_call"} else "stop"
        assert stop == ("refusal" if is_refused else expected), mark
    usage = response.get("usage")
    if usage:
        found = answer.usage
        assert found is not None
        details = usage.get("input_tokens_details") or {}
        assert found.input + found.cache_read + found.cache_write_5m == usage["input_tokens"], mark
        assert found.cache_read == (details.get("cached_tokens") or 0), mark
        assert found.output == usage["output_tokens"], mark
        assert found.reasoning == ((usage.get("output_tokens_details") or {}).get("reasoning_tokens") or 0), mark


def test_a_recorded_stream_folds_to_what_its_last_event_says() -> None:
    count = 0
    for exchange, events, data in streams():
        answer, last = fold(decoded(data), "responses"), events[-1]
        mark = exchange["id"]
        if last["type"] in {"response.failed", "error"} or "error" in {event["type"] for event in events}:
            assert isinstance(answer, Failure), mark
            continue
        if last["type"] not in {"response.completed", "response.incomplete"}:
            assert isinstance(answer, Failure), mark
            assert answer.kind == "truncated", mark
            continue
        assert isinstance(answer, Answer), (mark, answer)
        if last["response"]["output"] and not is_thinned(events):
            assert said(answer) == plain(last["response"]), mark
        assert_same_end(answer, {**last["response"], "output": last["response"]["output"]}, mark)
        count += 1
    assert count > 20


def test_a_recorded_stream_folds_to_its_own_last_response() -> None:
    for exchange, events, data in streams():
        last = events[-1]
        answer = fold(decoded(data), "responses")
        if isinstance(answer, Answer) and last["response"]["output"] and not is_thinned(events):
            whole = CODEC.parse_answer(last["response"])
            assert unsigned(answer.choices[0].parts) == unsigned(whole.choices[0].parts), exchange["id"]
            assert answer.usage == whole.usage, exchange["id"]
            assert (answer.id, answer.model) == (whole.id, whole.model), exchange["id"]


def unsigned(parts: list[Any]) -> list[Any]:
    """OpenAI encrypts the same reasoning anew for its last event, and Copilot gives it another id."""
    return [
        msgspec.structs.replace(part, signature="signed" if part.signature else "", item_id="")
        if isinstance(part, Thinking)
        else part
        for part in parts
        if not isinstance(part, Native)
    ]


def test_a_recorded_answer_is_parsed_as_it_reads() -> None:
    count = 0
    for exchange, body in bodies():
        answer = CODEC.parse_answer(body)
        assert said(answer) == plain(body), exchange["id"]
        assert_same_end(answer, body, exchange["id"])
        count += 1
    assert count > 50


def test_a_recorded_answer_is_the_same_after_a_round_trip() -> None:
    for exchange, body in bodies():
        answer = CODEC.parse_answer(body)
        again = CODEC.parse_answer(CODEC.render_answer(answer, Opening("resp_x", answer.model)))
        assert again == answer, exchange["id"]


def test_a_recorded_stream_is_the_same_when_written_and_read_again() -> None:
    for exchange, _, data in streams():
        events = decoded(data)
        first = fold(events, "responses")
        opening = Opening("x", "")
        written = encode_with(CODEC.encoder(opening), events)
        second = fold(decoded(written), "responses")
        if isinstance(first, Failure):
            assert isinstance(second, Failure), exchange["id"]
            continue
        assert isinstance(second, Answer), exchange["id"]
        assert_equal_meaning(first, second, exchange["id"])
        assert opening.losses == [], exchange["id"]


def assert_equal_meaning(first: Answer, second: Answer, mark: str) -> None:
    one, other = first.choices[0], second.choices[0]
    assert one.parts == other.parts, mark
    assert (one.stop, one.logprobs) == (other.stop, other.logprobs), mark
    assert first.model == second.model, mark
    if first.usage is not None:
        billed = msgspec.structs.replace(first.usage, billed_nano_usd=None, searches=0)
        assert second.usage is not None
        assert msgspec.structs.replace(second.usage, searches=0) == billed, mark


def test_a_recorded_request_means_the_same_after_a_round_trip() -> None:
    count = 0
    for exchange in exchanges():
        body = (exchange["request"] or {}).get("body")
        if not isinstance(body, dict) or "input" not in body or "messages" in body:
            continue
        if body["input"] is not None and not isinstance(body["input"], str | list):
            continue
        request = CODEC.parse_request(body)
        rendered = CODEC.render_request(request)
        assert rendered.losses == [], exchange["id"]
        assert CODEC.parse_request(rendered.body) == request, exchange["id"]
        for name in body.keys() - {"input", "tools", "include", "metadata"}:
            if body[name] not in (None, False, "", {}) and name != "instructions":
                assert name in rendered.body, (exchange["id"], name)
        assert len(rendered.body.get("tools", [])) == len(body.get("tools") or []), exchange["id"]
        count += 1
    assert count > 50


def test_the_tap_reads_what_the_codec_reads() -> None:
    for exchange, events, data in streams():
        reader = ResponsesStreamReader()
        reader.read(data)
        reading, last = reader.reading, events[-1]
        answer = fold(decoded(data), "responses")
        if isinstance(answer, Failure):
            assert reading.error_code or not reading.is_complete, exchange["id"]
            continue
        assert reading.is_complete, exchange["id"]
        assert (reading.usage, reading.model, reading.response_id) == (answer.usage, answer.model, answer.id)
        if last["response"]["output"] and not is_thinned(events):
            body = read_responses_body(_json(last["response"]))
            assert (body.digest(), body.output_characters) == (reading.digest(), reading.output_characters), exchange[
                "id"
            ]


def test_an_error_is_read_with_its_kind_and_sentence() -> None:
    for exchange in exchanges():
        response = exchange["response"] or {}
        body = response.get("body")
        if response.get("status", 200) < 400 or not isinstance(body, dict):
            continue
        failure = CODEC.parse_failure(response["status"], response.get("headers") or {}, _json(body))
        assert failure.message == (body["error"] if isinstance(body["error"], str) else body["error"]["message"])
        status, rendered = CODEC.render_failure(failure, "call")
        assert status // 100 == response["status"] // 100, exchange["id"]
        assert rendered["error"]["message"] == failure.message


def test_every_cut_of_a_recorded_stream_gives_the_same_events_with_any_line_end() -> None:
    chance = random.Random(5)
    for exchange, _, data in streams():
        whole = decoded(data)
        for number, line in ((1, b"\n"), (7, b"\r\n"), (40, b"\r")):
            stream = data.replace(b"\n", line) if b"\r" not in data else data
            assert decoded(stream, chance.choices(range(len(stream)), k=number)) == whole, exchange["id"]


def test_a_recorded_stream_starts_with_its_id_and_never_ends_twice() -> None:
    for exchange, _, data in streams():
        events = decoded(data)
        assert isinstance(events[0], MessageStarted), exchange["id"]
        ends = [event for event in events if type(event).__name__ in {"StreamEnded", "Failed"}]
        assert ends == events[-1:], exchange["id"]
        assert not any(isinstance(event, Failed) for event in events[:-1])
        assert all(part.text for part in fold_parts(events) if isinstance(part, Text) and not part.citations)


def fold_parts(events: list[Event]) -> list[Any]:
    answer = fold(events, "responses")
    return answer.choices[0].parts if isinstance(answer, Answer) else []
