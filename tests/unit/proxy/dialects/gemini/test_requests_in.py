from typing import Any

import pytest

from proxy.canonical.parts import Media, Native, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Format, Message, NativeTool, Reasoning, Tool, ToolChoice
from proxy.dialects.gemini.codec import CODEC
from proxy.errors import InvalidRequest


def parsed(**body: Any) -> Any:
    return CODEC.parse_request({"contents": [{"parts": [{"text": "hi"}]}], **body}, "gemini-2.5-flash")


def parts_of(*parts: dict[str, Any], role: str = "user") -> list[Any]:
    request = CODEC.parse_request({"contents": [{"role": role, "parts": list(parts)}]}, "m")
    return [part for message in request.messages for part in message.parts]


@pytest.mark.parametrize("content", [{"parts": [{"text": ""}]}, {"parts": [""]}, ""])
def test_an_empty_text_of_the_user_is_a_message(content: Any) -> None:
    assert CODEC.parse_request({"contents": [content]}, "m").messages == [Message("user", [Text("")])]


def test_a_turn_of_the_model_that_says_nothing_is_none() -> None:
    contents = [{"parts": [{"text": "hi"}]}, {"role": "model", "parts": [{"text": ""}]}]
    assert CODEC.parse_request({"contents": contents}, "m").messages == [Message("user", [Text("hi")])]


def test_both_spellings_of_every_member_say_the_same() -> None:
    camel = {
        "systemInstruction": {"parts": [{"text": "be brief"}]},
        "contents": [
            {"role": "user", "parts": [{"inlineData": {"mimeType": "image/png", "data": "AA=="}}]},
            {
                "role": "model",
                "parts": [{"functionCall": {"name": "f", "args": {"snake_key": 1}}, "thoughtSignature": "s"}],
            },
            {"role": "user", "parts": [{"functionResponse": {"name": "f", "response": {"some_key": 2}}}]},
        ],
        "tools": [
            {"functionDeclarations": [{"name": "f", "parametersJsonSchema": {"type": "object"}}]},
            {"googleSearch": {}},
        ],
        "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["f"]}},
        "generationConfig": {"maxOutputTokens": 5, "thinkingConfig": {"thinkingBudget": 7, "includeThoughts": True}},
    }
    snake = {
        "system_instruction": {"parts": [{"text": "be brief"}]},
        "contents": [
            {"role": "user", "parts": [{"inline_data": {"mime_type": "image/png", "data": "AA=="}}]},
            {
                "role": "model",
                "parts": [{"function_call": {"name": "f", "args": {"snake_key": 1}}, "thought_signature": "s"}],
            },
            {"role": "user", "parts": [{"function_response": {"name": "f", "response": {"some_key": 2}}}]},
        ],
        "tools": [
            {"function_declarations": [{"name": "f", "parameters_json_schema": {"type": "object"}}]},
            {"google_search": {}},
        ],
        "tool_config": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["f"]}},
        "generation_config": {
            "max_output_tokens": 5,
            "thinking_config": {"thinking_budget": 7, "include_thoughts": True},
        },
    }
    assert CODEC.parse_request(snake, "m") == CODEC.parse_request(camel, "m")


def test_arguments_and_results_keep_the_names_and_the_order_that_users_gave_them() -> None:
    call, result = parts_of(
        {"functionCall": {"id": "c", "name": "f", "args": {"z_key": 1, "a_key": {"in_ner": 2}}}},
        {"functionResponse": {"id": "c", "name": "f", "response": {"some_key": True}}},
        role="model",
    )
    assert call.arguments == '{"z_key":1,"a_key":{"in_ner":2}}'
    assert result.parts == [Text('{"some_key":true}')]


@pytest.mark.parametrize("system", ["be brief", {"parts": [{"text": "be brief"}]}, {"parts": {"text": "be brief"}}])
def test_a_system_instruction_may_be_a_text_or_a_content(system: Any) -> None:
    assert parsed(systemInstruction=system).messages[0] == Message("system", [Text("be brief")])


@pytest.mark.parametrize("contents", ["hi", ["hi"], {"parts": [{"text": "hi"}]}, [{"parts": {"text": "hi"}}]])
def test_contents_may_be_shorter_than_the_reference_says(contents: Any) -> None:
    assert parsed(contents=contents).messages == [Message("user", [Text("hi")])]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"contents": []},
        {"contents": 5},
        {"contents": [5]},
        {"contents": [{"role": "king", "parts": [{"text": "x"}]}]},
        {"contents": [{"parts": [7]}]},
        {"contents": "x", "tools": [3]},
        {"contents": "x", "tools": 3},
    ],
)
def test_nonsense_is_told_to_the_client(body: Any) -> None:
    with pytest.raises(InvalidRequest):
        CODEC.parse_request(body, "m")


def test_results_stand_in_a_message_of_their_own_beside_words_of_the_user() -> None:
    request = CODEC.parse_request(
        {
            "contents": [
                {"role": "model", "parts": [{"functionCall": {"id": "c", "name": "f"}}]},
                {
                    "role": "user",
                    "parts": [{"functionResponse": {"id": "c", "name": "f", "response": {}}}, {"text": "and now?"}],
                },
            ]
        },
        "m",
    )
    assert [message.role for message in request.messages] == ["assistant", "tool", "user"]


def test_calls_without_ids_get_stable_ones_and_results_find_them_by_name_and_order() -> None:
    body = {
        "contents": [
            {
                "role": "model",
                "parts": [
                    {"functionCall": {"name": "f", "args": {"x": 1}}},
                    {"functionCall": {"name": "g", "args": {}}},
                    {"functionCall": {"name": "f", "args": {"x": 1}}},
                ],
            },
            {
                "role": "function",
                "parts": [
                    {"functionResponse": {"name": "f", "response": {"output": "first"}}},
                    {"functionResponse": {"name": "f", "response": {"output": "second"}}},
                    {"functionResponse": {"name": "g", "response": {"output": "other"}}},
                ],
            },
        ]
    }
    request = CODEC.parse_request(body, "m")
    first, other, second = [part.id for part in request.messages[0].parts if isinstance(part, ToolCall)]
    results = {part.id: part.parts for part in request.messages[1].parts if isinstance(part, ToolResult)}
    assert results == {first: [Text("first")], second: [Text("second")], other: [Text("other")]}
    assert CODEC.parse_request(body, "m") == request
    rendered = CODEC.render_request(request).body["contents"][0]["parts"]
    assert [part["functionCall"].get("id") for part in rendered] == [None, None, None]


@pytest.mark.parametrize(
    ("response", "expected", "is_error"),
    [
        ({"output": "sunny"}, "sunny", False),
        ({"error": "no such town"}, "no such town", True),
        ({"error": {"code": 7}}, '{"code":7}', True),
        ({"result": "sunny"}, '{"result":"sunny"}', False),
        ({"output": '{"a":1}'}, '{"output":"{\\"a\\":1}"}', False),
        ({"output": [1]}, '{"output":[1]}', False),
        ({}, "{}", False),
    ],
)
def test_a_result_is_text_and_comes_back_as_the_object_that_it_was(
    response: Any, expected: str, is_error: bool
) -> None:
    part = {"functionResponse": {"id": "c", "name": "f", "response": response}}
    [result] = parts_of(part)
    assert result == ToolResult("c", [Text(expected)], "f", is_error)
    request = CODEC.parse_request({"contents": [{"parts": [part]}]}, "m")
    assert CODEC.render_request(request).body["contents"] == [{"role": "user", "parts": [part]}]


def test_a_signature_stays_with_the_part_that_it_stands_on() -> None:
    parts = [
        {"text": "I thought", "thought": True, "thoughtSignature": "s1"},
        {"text": "hello", "thoughtSignature": "s2"},
        {"functionCall": {"id": "a", "name": "f", "args": {}}, "thoughtSignature": "s3"},
        {"functionCall": {"id": "b", "name": "f", "args": {}}},
    ]
    assert parts_of(*parts, role="model") == [
        Thinking("I thought", "s1", made_by="gemini"),
        Text("hello"),
        Thinking("", "s2", made_by="gemini"),
        ToolCall("a", "f", "{}", signature="s3", signature_of="gemini"),
        ToolCall("b", "f", "{}"),
    ]
    request = CODEC.parse_request({"contents": [{"role": "model", "parts": parts}]}, "gemini-3-pro-preview")
    assert CODEC.render_request(request).body["contents"][0]["parts"] == parts


def test_files_are_known_by_their_type_and_keep_what_is_said_of_them() -> None:
    clip = {
        "fileData": {"fileUri": "gs://b/clip.mp4", "mimeType": "video/mp4"},
        "videoMetadata": {"startOffset": "2s"},
    }
    image, sound, paper, film = parts_of(
        {"inlineData": {"mimeType": "image/webp", "data": "AA==", "displayName": "cat"}},
        {"inlineData": {"mimeType": "audio/mp3", "data": "AA=="}},
        {"fileData": {"fileUri": "https://x/a.pdf", "mimeType": "application/pdf"}},
        clip,
    )
    assert image == Media("image", "image/webp", data="AA==", name="cat")
    assert (sound.kind, paper.kind, paper.url) == ("audio", "document", "https://x/a.pdf")
    assert film.extra == {"videoMetadata": {"startOffset": "2s"}}
    request = CODEC.parse_request({"contents": [{"parts": [clip]}]}, "m")
    assert CODEC.render_request(request).body["contents"][0]["parts"] == [clip]


def test_what_only_gemini_knows_goes_back_as_it_was() -> None:
    parts = [
        {"executableCode": {"language": "PYTHON", "code": "1+1", "id": "e"}, "thoughtSignature": "s"},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "2\n", "id": "e"}},
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "t", "args": {"queries": ["x"]}}},
        {"somethingOfNextYear": {"a": 1}},
    ]
    found = parts_of(*parts, role="model")
    assert all(isinstance(part, Native) and part.dialect == "gemini" for part in found)
    assert [part.raw for part in found] == parts
    assert "1+1" in found[0].text
    assert "2" in found[1].text


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({"mode": "NONE"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("required")),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice("tool", ["f"])),
        ({"mode": "ANY", "allowedFunctionNames": ["f", "g"]}, ToolChoice("required", ["f", "g"])),
        ({"mode": "VALIDATED"}, ToolChoice("auto")),
        ({"mode": "MODE_UNSPECIFIED"}, None),
    ],
)
def test_the_choice_among_tools(config: Any, expected: ToolChoice | None) -> None:
    assert parsed(toolConfig={"functionCallingConfig": config}).tool_choice == expected


def test_tools_of_google_are_kept_and_functions_have_json_schemas() -> None:
    request = parsed(
        tools=[
            {
                "functionDeclarations": [
                    {"name": "f", "description": "d", "parameters": {"type": "OBJECT"}, "behavior": "B"}
                ]
            },
            {"codeExecution": {}, "urlContext": {}},
        ]
    )
    assert request.tools == [
        Tool("f", "d", {"type": "object"}, extra={"behavior": "B"}),
        NativeTool("gemini", {"codeExecution": {}}),
        NativeTool("gemini", {"urlContext": {}}),
    ]


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"thinkingBudget": 0}, Reasoning(is_off=True)),
        ({"thinkingBudget": -1}, Reasoning(is_adaptive=True)),
        ({"thinkingBudget": 2000, "includeThoughts": False}, Reasoning(budget_tokens=2000, includes_thoughts=False)),
        ({"thinkingLevel": "HIGH"}, Reasoning(effort="high")),
    ],
)
def test_thinking_is_asked_for_in_tokens_or_levels(config: Any, expected: Reasoning) -> None:
    assert parsed(generationConfig={"thinkingConfig": config}).reasoning == expected


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        ({"responseMimeType": "application/json"}, Format("json")),
        ({"responseMimeType": "text/plain"}, Format("text")),
        ({"responseSchema": {"type": "STRING"}}, Format("schema", {"type": "string"})),
        (
            {"responseMimeType": "application/json", "responseJsonSchema": {"type": "object"}},
            Format("schema", {"type": "object"}),
        ),
    ],
)
def test_the_form_of_the_answer(config: Any, expected: Format) -> None:
    assert parsed(generationConfig=config).format == expected


def test_what_nothing_here_stands_for_is_kept_under_its_full_name() -> None:
    request = parsed(
        safetySettings=[{"category": "X"}],
        cachedContent="cachedContents/1",
        generationConfig={"speechConfig": {"a": 1}, "mediaResolution": "MEDIA_RESOLUTION_LOW", "seed": "7"},
        toolConfig={"retrievalConfig": {"languageCode": "de"}},
    )
    assert request.seed == 7
    assert request.rest == {
        "safetySettings": [{"category": "X"}],
        "cachedContent": "cachedContents/1",
        "generationConfig.speechConfig": {"a": 1},
        "generationConfig.mediaResolution": "MEDIA_RESOLUTION_LOW",
        "toolConfig.retrievalConfig": {"languageCode": "de"},
    }


def test_the_model_of_the_path_wins_and_has_no_prefix() -> None:
    assert CODEC.parse_request({"contents": "x", "model": "models/a"}, "models/b").model == "b"
    assert CODEC.parse_request({"contents": "x", "model": "models/a"}).model == "a"
