from typing import Any

import orjson
import pytest

from proxy.canonical.answer import Answer, Choice, StopReason
from proxy.canonical.parts import Citation, Media, Native, Part, Refusal, Text, Thinking, ToolCall
from proxy.canonical.request import Loss
from proxy.dialects.codec import Opening
from proxy.dialects.gemini.codec import CODEC
from proxy.dialects.gemini.count_tokens import (
    parse_count_answer,
    parse_count_request,
    render_count_answer,
    render_count_request,
)
from proxy.dialects.gemini.stops import parse_stop, render_stop
from proxy.dialects.gemini.usage import count_searches, parse_usage, render_usage
from proxy.records import Usage
from tests.unit.proxy.dialects.gemini.playbook import chunk

OPENING = Opening("call_1", "asked")


def written(answer: Answer, opening: Opening = OPENING) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads(orjson.dumps(CODEC.render_answer(answer, opening)))
    return found


@pytest.mark.parametrize(
    ("usage", "expected"),
    [
        (
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 60,
                "candidatesTokenCount": 5,
                "thoughtsTokenCount": 20,
            },
            Usage(input=40, cache_read=60, output=25, reasoning=20),
        ),
        ({"promptTokenCount": 10, "totalTokenCount": 45, "thoughtsTokenCount": 30}, Usage(10, output=35, reasoning=30)),
        (
            {"promptTokenCount": 10, "toolUsePromptTokenCount": 90, "candidatesTokenCount": 1, "totalTokenCount": 101},
            Usage(input=100, output=1),
        ),
        (
            {
                "promptTokenCount": 100,
                "cachedContentTokenCount": 30,
                "promptTokensDetails": [
                    {"modality": "AUDIO", "tokenCount": 50},
                    {"modality": "IMAGE", "tokenCount": 10},
                    {"modality": "TEXT", "tokenCount": 40},
                ],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 20}, {"modality": "TEXT", "tokenCount": 10}],
                "candidatesTokenCount": 9,
                "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 8}],
            },
            Usage(70, 30, output=9, audio_input=30, image_input=10, image_output=8, audio_cache_read=20),
        ),
        ({"promptTokenCount": 7, "promptTokensDetails": [{"modality": 4, "tokenCount": 6}]}, Usage(7, audio_input=6)),
        ({"promptTokenCount": None, "candidatesTokenCount": "x"}, Usage()),
    ],
)
def test_usage_counts_cached_tokens_apart_and_thoughts_as_output(usage: Any, expected: Usage) -> None:
    assert parse_usage(usage) == expected


@pytest.mark.parametrize(
    "usage",
    [
        Usage(input=40, cache_read=60, output=25, reasoning=20),
        Usage(input=40, cache_read=10, audio_input=30, image_input=5, output=25, audio_output=20),
        Usage(),
    ],
)
def test_usage_of_others_is_read_back_as_it_was(usage: Usage) -> None:
    said = render_usage(usage, {})
    assert parse_usage(said) == usage
    assert said["totalTokenCount"] == usage.input + usage.cache_read + usage.output


def test_searches_are_billed_by_query_since_gemini_3_and_by_prompt_before() -> None:
    grounding = {"webSearchQueries": ["a", "b", ""]}
    assert count_searches(grounding, "gemini-3-pro-preview") == 2
    assert count_searches(grounding, "gemini-2.5-flash") == 1
    assert count_searches({}, "gemini-2.5-flash") == 0


@pytest.mark.parametrize(
    ("word", "stop"),
    [
        ("STOP", "stop"),
        ("MAX_TOKENS", "length"),
        ("SAFETY", "content_filter"),
        ("RECITATION", "content_filter"),
        ("MODEL_ARMOR", "content_filter"),
        ("MALFORMED_FUNCTION_CALL", "error"),
        ("UNEXPECTED_TOOL_CALL", "error"),
        ("WHATEVER_COMES_NEXT", "error"),
    ],
)
def test_only_a_good_end_is_a_good_end(word: str, stop: StopReason) -> None:
    assert parse_stop(word, has_calls=False) == stop
    if word != "WHATEVER_COMES_NEXT":
        assert render_stop(stop, word) == (word, "")


@pytest.mark.parametrize(
    ("stop", "native", "expected"),
    [
        ("stop", "end_turn", ("STOP", "")),
        ("tool_calls", "tool_calls", ("STOP", "")),
        ("length", "max_tokens", ("MAX_TOKENS", "")),
        ("pause", "pause_turn", ("STOP", "pause_turn")),
        ("refusal", "refusal", ("SAFETY", "refusal")),
        ("error", "insufficient_system_resource", ("OTHER", "insufficient_system_resource")),
        ("context_window", "model_context_window_exceeded", ("MAX_TOKENS", "model_context_window_exceeded")),
    ],
)
def test_the_end_of_others_keeps_its_own_word(stop: StopReason, native: str, expected: tuple[str, str]) -> None:
    assert render_stop(stop, native) == expected


def test_a_turn_that_calls_functions_ends_for_them() -> None:
    answer = CODEC.parse_answer(chunk({"functionCall": {"name": "f", "args": {"z": 1, "a": 2}}}, finish="STOP"))
    [choice] = answer.choices
    assert (choice.stop, choice.native_stop) == ("tool_calls", "STOP")
    assert [part.arguments for part in choice.parts if isinstance(part, ToolCall)] == ['{"z":1,"a":2}']


def test_the_same_call_in_two_answers_has_two_ids_and_in_one_answer_read_twice_one() -> None:
    def call_id(response_id: str) -> str:
        answer = CODEC.parse_answer(chunk({"functionCall": {"name": "f"}}, finish="STOP", responseId=response_id))
        [part] = answer.choices[0].parts
        assert isinstance(part, ToolCall)
        return part.id

    assert call_id("r1") == call_id("r1") != call_id("r2")


def test_a_prompt_that_was_blocked_is_an_answer_that_was_filtered() -> None:
    body = {
        "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"},
        "usageMetadata": {"promptTokenCount": 5},
        "responseId": "r",
    }
    answer = CODEC.parse_answer(body)
    assert answer.choices == [Choice([], "content_filter", "PROHIBITED_CONTENT")]
    again = written(answer)
    assert "candidates" not in again
    assert CODEC.parse_answer(again) == CODEC.parse_answer({**body, "modelVersion": "asked"})


def test_an_error_with_status_200_is_an_answer_that_failed() -> None:
    answer = CODEC.parse_answer({"error": {"code": 503, "message": "busy", "status": "UNAVAILABLE"}})
    assert (answer.choices[0].stop, answer.choices[0].native_stop) == ("error", "UNAVAILABLE")


def test_every_kind_of_part_is_read_back_as_it_was() -> None:
    parts: list[Part] = [
        Thinking("hm", "s1", made_by="gemini"),
        Text("hello"),
        Thinking("", "s2", made_by="gemini"),
        Native("gemini", {"executableCode": {"language": "PYTHON", "code": "1"}}, "```python\n1\n```"),
        Media("image", "image/png", data="AA==", extra={"thoughtSignature": "s3"}, extra_of="gemini"),
        ToolCall("c1", "f", '{"b":1,"a":[2]}', signature="s4", signature_of="gemini"),
        ToolCall("c2", "f"),
    ]
    choices = [Choice(parts, "tool_calls", "STOP"), Choice([Text("two")], "length", "MAX_TOKENS")]
    counts = {"promptTokenCount": 3, "candidatesTokenCount": 4}
    rest = {"candidates": {"0": {"safetyRatings": [{"category": "X"}]}}, "modelStatus": {"modelStage": "STABLE"}}
    answer = Answer("gemini", "r1", "gemini-x", 1_700_000_000, choices, Usage(3, output=4), counts, rest)
    opening = Opening("call_1", "asked")
    assert CODEC.parse_answer(written(answer, opening)) == answer
    assert opening.losses == []


def test_an_answer_of_others_says_what_it_can_and_what_it_lost() -> None:
    parts: list[Part] = [
        Thinking("hm", "foreign", made_by="anthropic"),
        Thinking("", "", redacted="x", made_by="anthropic"),
        Refusal("no"),
        Native("anthropic", {"type": "server_tool_use"}),
    ]
    opening = Opening("call_1", "asked")
    body = written(
        Answer("anthropic", "", "", 0, [Choice(parts, "refusal", "refusal")], rest={"container": 1}), opening
    )
    assert body == {
        "candidates": [
            {
                "content": {"parts": [{"text": "hm", "thought": True}, {"text": "no"}], "role": "model"},
                "finishReason": "SAFETY",
                "finishMessage": "refusal",
                "index": 0,
            }
        ],
        "modelVersion": "asked",
        "responseId": "call_1",
    }
    assert opening.losses == [Loss("server_tool_use", "Only anthropic knows this part.")]


def test_grounding_is_cited_and_comes_back_whole() -> None:
    grounding = {
        "webSearchQueries": ["q"],
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"web": {"uri": "https://b"}}],
        "groundingSupports": [{"segment": {"endIndex": 3, "text": "abc"}, "groundingChunkIndices": [0, 1, 9]}],
    }
    body = chunk({"text": "abc"}, finish="STOP", candidate={"groundingMetadata": grounding})
    answer = CODEC.parse_answer(body)
    [text] = answer.choices[0].parts
    assert isinstance(text, Text)
    assert [(one.url, one.title, one.text) for one in text.citations] == [
        ("https://a", "A", "abc"),
        ("https://b", "", "abc"),
    ]
    assert written(answer)["candidates"][0]["groundingMetadata"] == grounding


def test_citations_of_others_become_grounding_in_bytes() -> None:
    cited = Text("grün", [Citation("anthropic", {}, "https://a", "A")])
    body = written(Answer("anthropic", choices=[Choice([Text("Ü "), cited])]))
    assert body["candidates"][0]["groundingMetadata"] == {
        "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}],
        "groundingSupports": [{"segment": {"endIndex": 8, "startIndex": 3}, "groundingChunkIndices": [0]}],
    }


def test_logprobs_are_in_openais_form_and_come_back() -> None:
    result = {
        "chosenCandidates": [{"token": "ü", "logProbability": -0.5}],
        "topCandidates": [
            {"candidates": [{"token": "ü", "logProbability": -0.5}, {"token": "a", "logProbability": -2.0}]}
        ],
    }
    answer = CODEC.parse_answer(chunk({"text": "ü"}, finish="STOP", candidate={"logprobsResult": result}))
    assert answer.choices[0].logprobs == [
        {
            "token": "ü",
            "logprob": -0.5,
            "bytes": [195, 188],
            "top_logprobs": [
                {"token": "ü", "logprob": -0.5, "bytes": [195, 188]},
                {"token": "a", "logprob": -2.0, "bytes": [97]},
            ],
        }
    ]
    assert written(answer)["candidates"][0]["logprobsResult"] == result


def test_tokens_are_counted_in_the_forms_of_both_endpoints() -> None:
    plain = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    request = parse_count_request(plain, "models/gemini-x")
    assert parse_count_request({"generateContentRequest": {"model": "models/gemini-x", **plain}}) == request
    assert render_count_request(request) == {"generateContentRequest": {"model": "models/gemini-x", **plain}}
    assert render_count_request(request, is_vertex=True) == plain
    assert parse_count_answer(render_count_answer(31)) == 31


@pytest.mark.parametrize("created", [0, 1_753_995_600_000, 2**60, -5])
def test_a_time_that_is_none_is_not_told(created: int) -> None:
    assert "createTime" not in written(Answer("openai", created=created))
