"""Streams that we write: read again by ourselves, at any cut, and by OpenAI's own client."""

from collections.abc import Iterable
from functools import cache, partial
from typing import Any

import httpx2
import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai import OpenAI
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from proxy.canonical.answer import Answer, Choice
from proxy.canonical.events import (
    Event,
    Failed,
    LogprobsAdded,
    MessageEnded,
    MessageStarted,
    PartEnded,
    StreamEnded,
    TextDelta,
    ThinkingDelta,
    ToolArgsDelta,
    ToolCallStarted,
    UsageReported,
)
from proxy.canonical.failure import Failure
from proxy.canonical.folding import fold, unfold
from proxy.canonical.parts import Citation, Media, Native, Part, Refusal, Text, Thinking, ToolCall
from proxy.canonical.request import Request, Tool
from proxy.dialects.codec import Opening
from proxy.dialects.responses.codec import CODEC
from proxy.records import Usage
from tests.unit.proxy.dialects.streams import decode_with, encode_with

CITATION = {"type": "url_citation", "url": "https://example.org", "title": "Example", "start_index": 0, "end_index": 3}
CITED = Citation("responses", CITATION, url="https://example.org", title="Example")
SEARCH = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search", "query": "rain"}}


def written(events: Iterable[Event], opening: Opening | None = None) -> bytes:
    return encode_with(CODEC.encoder(opening or Opening("call-1", "gpt-5")), events)


def frames(data: bytes) -> list[dict[str, Any]]:
    return [orjson.loads(frame.partition(b"\ndata: ")[2]) for frame in data.split(b"\n\n") if frame]


decoded = partial(decode_with, CODEC)


words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
parts = st.one_of(
    st.builds(Text, words, st.just([])),
    st.builds(Text, words, st.just([CITED])),
    st.builds(Refusal, words),
    st.builds(
        lambda text, signature: Thinking(text, signature, "", "responses", is_summary=True),
        words, st.sampled_from(["", "gAAAA="]),
    ),
    st.builds(
        lambda name, value: ToolCall("", name, orjson.dumps({"a": value}).decode()),
        st.sampled_from(["search", "crm__find"]), words,
    ),
    st.builds(lambda text: ToolCall("", "patch", text, "custom"), words),
    st.just(Native("responses", SEARCH)),
)  # fmt: skip


def answers() -> st.SearchStrategy[Answer]:
    return st.builds(
        lambda found, usage: Answer(
            "responses", "resp_1", "gpt-5", 1, [Choice(found, *ending(found))], usage, CODEC_USAGE(usage)
        ),
        st.lists(parts, max_size=6).map(apart),
        st.builds(Usage, input=st.integers(0, 9), cache_read=st.integers(0, 9), output=st.integers(0, 9)),
    )


def CODEC_USAGE(usage: Usage) -> dict[str, Any]:  # noqa: N802 - reads as the constant that it stands for
    whole = usage.input + usage.cache_read
    return {
        "input_tokens": whole,
        "input_tokens_details": {"cached_tokens": usage.cache_read, "cache_write_tokens": 0},
        "output_tokens": usage.output,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": whole + usage.output,
    }


def ending(found: list[Part]) -> tuple[Any, str]:
    if any(isinstance(part, ToolCall) for part in found):
        return "tool_calls", "completed"
    return ("refusal" if any(isinstance(part, Refusal) for part in found) else "stop"), "completed"


def apart(found: list[Part]) -> list[Part]:
    """Items and calls of one answer have ids of their own."""
    for number, part in enumerate(found):
        if isinstance(part, Thinking):
            found[number] = msgspec.structs.replace(part, item_id=f"rs_{number}")
        elif isinstance(part, ToolCall):
            found[number] = msgspec.structs.replace(part, id=f"call_{number}", item_id=f"fc_{number}")
        elif isinstance(part, Native):
            found[number] = Native("responses", {**SEARCH, "id": f"ws_{number}"})
    return found


@given(answers())
@settings(max_examples=150)
def test_an_answer_is_the_same_after_it_was_written_and_read(answer: Answer) -> None:
    rendered = CODEC.render_answer(answer, Opening("call-1", "gpt-5"))
    found = CODEC.parse_answer(orjson.loads(orjson.dumps(rendered)))
    assert searchless(found) == answer


@given(answers(), st.data())
@settings(max_examples=150)
def test_any_cut_of_a_written_stream_reads_as_the_answer(answer: Answer, data: st.DataObject) -> None:
    stream = written(unfold(answer))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    events = decoded(stream, cuts)
    assert events == decoded(stream)
    found = fold(events, "responses")
    assert isinstance(found, Answer)
    assert searchless(found) == answer


def searchless(answer: Answer) -> Answer:
    """Searches are counted from the items here, while the made up answers say none."""
    assert answer.usage is not None
    return msgspec.structs.replace(answer, usage=msgspec.structs.replace(answer.usage, searches=0))


@given(answers())
@settings(max_examples=100)
def test_a_written_stream_counts_its_events_and_ends_what_it_begins(answer: Answer) -> None:
    found = frames(written(unfold(answer)))
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    assert [event["type"] for event in found[:2]] == ["response.created", "response.in_progress"]
    assert len({event["response"]["id"] for event in found if "response" in event}) == 1
    added = [(e["output_index"], e["item"].get("id")) for e in found if e["type"] == "response.output_item.added"]
    done = [(e["output_index"], e["item"].get("id")) for e in found if e["type"] == "response.output_item.done"]
    assert sorted(added) == sorted(done)
    assert [index for index, _ in added] == list(range(len(added)))
    items = {e["output_index"]: e["item"] for e in found if e["type"] == "response.output_item.done"}
    assert found[-1]["type"] == "response.completed"
    assert found[-1]["response"]["output"] == [items[index] for index in sorted(items)]
    for event in found:
        if "item_id" in event:
            assert event["item_id"] == items[event["output_index"]]["id"]


def sdk_client(stream: bytes) -> OpenAI:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=stream)

    return OpenAI(
        api_key="none",
        base_url="http://gateway.test/v1",
        http_client=httpx2.Client(transport=httpx2.MockTransport(answer)),
        max_retries=0,
    )


FOREIGN: list[Event] = [
    MessageStarted("msg_01", "claude-sonnet-4-5", 7),
    ThinkingDelta(0, "I should look "),
    ThinkingDelta(0, "it up.", signature="EqRk", made_by="anthropic"),
    PartEnded(0),
    TextDelta(1, "Let me "),
    TextDelta(1, "see."),
    PartEnded(1),
    ToolCallStarted(2, "toolu_1", "search"),
    ToolCallStarted(3, "toolu_2", "search"),
    ToolArgsDelta(3, '{"q":'),
    ToolArgsDelta(2, '{"q": "a"}'),
    ToolArgsDelta(3, '"b"}'),
    ToolCallStarted(4, "toolu_3", "now"),
    UsageReported(Usage(input=5, cache_read=3, cache_write_5m=2, output=9, reasoning=4)),
    MessageEnded("tool_calls", "tool_use"),
    StreamEnded(),
]


def test_openais_client_accumulates_a_stream_that_another_provider_answered() -> None:
    with sdk_client(written(FOREIGN)).responses.stream(model="claude", input="x") as stream:
        kinds = [event.type for event in stream]
        response = stream.get_final_response()
    assert kinds[-1] == "response.completed"
    assert response.id == "resp_call-1"
    assert response.output_text == "Let me see."
    assert [item.type for item in response.output] == ["reasoning", "message", *["function_call"] * 3]
    calls = [(item.call_id, item.name, item.arguments) for item in response.output if item.type == "function_call"]
    assert calls == [
        ("toolu_1", "search", '{"q": "a"}'),
        ("toolu_2", "search", '{"q":"b"}'),
        ("toolu_3", "now", "{}"),
    ]
    assert response.output[0].type == "reasoning"
    assert response.output[0].summary[0].text == "I should look it up."
    assert response.output[0].encrypted_content is None
    assert response.usage is not None
    assert (response.usage.input_tokens, response.usage.input_tokens_details.cached_tokens) == (10, 3)
    assert response.usage.output_tokens_details.reasoning_tokens == 4


@given(answers())
@settings(max_examples=15, deadline=None)
def test_openais_client_accumulates_any_answer(answer: Answer) -> None:
    with sdk_client(written(unfold(answer))).responses.stream(model="gpt-5", input="x") as stream:
        pieces = [event.delta for event in stream if event.type == "response.output_text.delta"]
        response = stream.get_final_response()
    texts = [part.text for part in answer.choices[0].parts if isinstance(part, Text)]
    assert response.output_text == "".join(texts) == "".join(pieces)


@cache
def openais_events() -> TypeAdapter[ResponseStreamEvent]:
    return TypeAdapter(ResponseStreamEvent)


@given(answers())
@settings(max_examples=25, deadline=None)
def test_every_frame_is_of_a_form_that_openai_has_described(answer: Answer) -> None:
    for event in frames(written([*unfold(answer)])) + frames(written(FOREIGN)):
        openais_events().validate_python(event)
    Response.model_validate(CODEC.render_answer(answer, Opening("call-1", "gpt-5")))


def test_openais_client_sees_a_failure_as_one() -> None:
    stream = written([TextDelta(0, "Half a"), Failed(Failure("rate_limit", "Slow down.", 429))])
    with sdk_client(stream).responses.stream(model="gpt-5", input="x") as events:
        last = list(events)[-1]
    assert last.type == "response.failed"
    assert last.response.error is not None
    assert (last.response.error.code, last.response.error.message) == ("rate_limit_exceeded", "Slow down.")
    assert last.response.output == []


def test_a_stream_that_nobody_ended_fails() -> None:
    last = frames(written([TextDelta(0, "Half a")]))[-1]
    assert last["type"] == "response.failed"
    assert last["response"]["error"]["code"] == "stream_truncated"


@pytest.mark.parametrize(
    ("stop", "kind", "details"),
    [
        ("length", "response.incomplete", {"reason": "max_output_tokens"}),
        ("context_window", "response.incomplete", {"reason": "max_output_tokens"}),
        ("content_filter", "response.incomplete", {"reason": "content_filter"}),
        ("refusal", "response.incomplete", {"reason": "content_filter"}),
        ("stop_sequence", "response.completed", None),
        ("error", "response.failed", None),
    ],
)
def test_a_stop_becomes_a_status(stop: Any, kind: str, details: dict[str, str] | None) -> None:
    last = frames(written([TextDelta(0, "x"), MessageEnded(stop, "RECITATION"), StreamEnded()]))[-1]
    assert (last["type"], last["response"]["incomplete_details"]) == (kind, details)
    assert last["response"]["status"] == kind.removeprefix("response.")
    assert last["response"]["output"][0]["content"][0]["text"] == "x"
    if stop != "error":
        assert last["response"]["native_finish_reason"] == "RECITATION"


def test_a_function_of_a_namespace_goes_back_into_it() -> None:
    request = CODEC.parse_request(
        {
            "model": "m",
            "input": "x",
            "tools": [
                {
                    "type": "namespace",
                    "name": "crm",
                    "description": "d",
                    "tools": [{"type": "function", "name": "find"}],
                }
            ],
        }
    )
    assert [tool.name for tool in request.tools if isinstance(tool, Tool)] == ["crm__find"]
    opening = Opening("c", "m", request=request)
    events: list[Event] = [ToolCallStarted(0, "call_1", "crm__find"), MessageEnded("tool_calls"), StreamEnded()]
    item = frames(written(events, opening))[-1]["response"]["output"][0]
    assert (item["namespace"], item["name"]) == ("crm", "find")
    answer = Answer("anthropic", choices=[Choice([ToolCall("call_1", "crm__find")], "tool_calls")])
    assert CODEC.render_answer(answer, opening)["output"][0] == {**item, "arguments": "{}"}


def test_a_custom_tool_that_was_called_as_a_function_is_called_with_its_text() -> None:
    request = Request("responses", "m", tools=[Tool("patch", kind="custom")])
    opening = Opening("c", "m", request=request)
    events: list[Event] = [
        ToolCallStarted(0, "call_1", "patch"),
        ToolArgsDelta(0, '{"inp'),
        ToolArgsDelta(0, 'ut": "*** Begin"}'),
        MessageEnded("tool_calls"),
        StreamEnded(),
    ]
    found = frames(written(events, opening))
    assert [event["type"] for event in found if event["type"].startswith("response.custom")] == [
        "response.custom_tool_call_input.delta",
        "response.custom_tool_call_input.done",
    ]
    item = found[-1]["response"]["output"][0]
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "patch", "*** Begin")


def test_what_has_no_place_is_said() -> None:
    opening = Opening("c", "m")
    answer = Answer(
        "anthropic",
        choices=[
            Choice(
                [
                    Text("x", [Citation("anthropic", {"type": "char_location"})]),
                    Native("anthropic", {"type": "bash_code_execution_tool_result"}),
                    Media("audio", "audio/wav", "AAAA"),
                ]
            ),
            Choice([Text("y")]),
        ],
    )
    CODEC.render_answer(answer, opening)
    assert [loss.name for loss in opening.losses] == ["n", "citations", "bash_code_execution_tool_result", "audio"]
    streamed = Opening("c", "m")
    written(unfold(answer), streamed)
    assert {loss.name for loss in streamed.losses} == {loss.name for loss in opening.losses}


def test_a_search_of_another_provider_is_one_here() -> None:
    call = {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "rain"}}
    found = {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}
    answer = Answer(
        "anthropic", choices=[Choice([Native("anthropic", call), Native("anthropic", found), Text("Wet.")])]
    )
    opening = Opening("c", "m")
    output = CODEC.render_answer(answer, opening)["output"]
    assert [(item["type"], item["id"]) for item in output] == [("web_search_call", "ws_c_0"), ("message", "msg_c_1")]
    assert output[0]["action"]["query"] == "rain"
    assert frames(written(unfold(answer), opening))[-1]["response"]["output"] == output
    assert opening.losses == []


def test_logprobs_stand_where_openai_has_them() -> None:
    token = {"token": "x", "logprob": -0.1, "bytes": [120], "top_logprobs": []}
    events: list[Event] = [TextDelta(0, "x"), LogprobsAdded([token]), MessageEnded("stop"), StreamEnded()]
    stream = written(events)
    assert frames(stream)[-1]["response"]["output"][0]["content"][0]["logprobs"] == [token]
    answer = fold(decoded(stream), "responses")
    assert isinstance(answer, Answer)
    assert answer.choices[0].logprobs == [token]


def test_a_generated_image_is_an_item() -> None:
    answer = Answer("gemini", choices=[Choice([Media("image", "image/png", "iVBOR")])])
    item = CODEC.render_answer(answer, Opening("c", "m"))["output"][0]
    assert item["type"] == "image_generation_call"
    assert (item["result"], item["output_format"], item["id"]) == ("iVBOR", "png", "ig_c_0")
    assert frames(written(unfold(answer), Opening("c", "m")))[-1]["response"]["output"] == [item]


def test_the_request_is_echoed_as_it_was_asked() -> None:
    body = {
        "model": "m",
        "input": "x",
        "instructions": "Be brief.",
        "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": True}],
        "tool_choice": "required",
        "metadata": {"a": "b"},
        "store": False,
    }
    echoed = CODEC.render_answer(Answer("openai"), Opening("c", "m", request=CODEC.parse_request(body)))
    del body["input"]
    assert {name: echoed[name] for name in body} == body
