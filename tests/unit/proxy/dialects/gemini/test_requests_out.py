from typing import Any

import pytest

from proxy.canonical.parts import Media, Native, Part, Refusal, Text, Thinking, ToolCall, ToolResult
from proxy.canonical.request import Format, Loss, Message, NativeTool, Reasoning, Request, Tool, ToolChoice
from proxy.dialects.gemini.calls import make_id
from proxy.dialects.gemini.codec import CODEC
from proxy.dialects.gemini.contents import FOREIGN_SIGNATURE
from proxy.errors import Dialect

HI = Message("user", [Text("hi")])
SCHEMA = {"type": "object", "properties": {"x": {"type": "string"}}, "additionalProperties": False}


def asked(model: str = "gemini-2.5-flash", dialect: Dialect = "openai", **more: Any) -> Request:
    return Request(dialect, model, more.pop("messages", [HI]), **more)


def rendered(*parts: Part, model: str = "gemini-2.5-flash", role: Any = "user") -> list[dict[str, Any]]:
    body = CODEC.render_request(asked(model, messages=[Message(role, list(parts))])).body
    found: list[dict[str, Any]] = body["contents"][-1]["parts"]
    return found


def config_of(request: Request) -> dict[str, Any]:
    found: dict[str, Any] = CODEC.render_request(request).body.get("generationConfig", {})
    return found


def lost(request: Request) -> set[str]:
    return {loss.name for loss in CODEC.render_request(request).losses}


def test_leading_instructions_go_ahead_and_later_ones_are_told_in_place() -> None:
    messages = [
        Message("system", [Text("one")]),
        Message("developer", [Text("two")]),
        HI,
        Message("assistant", [Text("yes?")]),
        Message("system", [Text("three")]),
        HI,
    ]
    body = CODEC.render_request(asked(messages=messages)).body
    assert body["systemInstruction"] == {"parts": [{"text": "one"}, {"text": "two"}]}
    assert body["contents"] == [
        {"role": "user", "parts": [{"text": "hi"}]},
        {"role": "model", "parts": [{"text": "yes?"}]},
        {"role": "user", "parts": [{"text": "[system] three"}, {"text": "hi"}]},
    ]


def test_an_instruction_alone_is_asked_as_a_question() -> None:
    body = CODEC.render_request(asked(messages=[Message("system", [Text("say hi")])])).body
    assert body == {"contents": [{"role": "user", "parts": [{"text": "say hi"}]}]}


def test_an_empty_question_is_asked_where_no_question_is_refused() -> None:
    body = CODEC.render_request(asked(messages=[Message("user", [Text("")])])).body
    assert body == {"contents": [{"role": "user", "parts": [{"text": ""}]}]}


def test_an_empty_question_stays_before_the_call_that_answered_it() -> None:
    messages = [
        Message("user", [Text("")]),
        Message("assistant", [ToolCall("call_a", "f", "{}")]),
        Message("tool", [ToolResult("call_a", [Text("1")])]),
    ]
    contents = CODEC.render_request(asked(messages=messages)).body["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user"]
    assert contents[0]["parts"] == [{"text": ""}]


def test_an_empty_question_stands_before_a_call_that_the_history_begins_with() -> None:
    messages = [Message("assistant", [ToolCall("a", "f")]), Message("tool", [ToolResult("a", [Text("1")])])]
    contents = CODEC.render_request(asked(messages=messages)).body["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user"]
    assert contents[0]["parts"] == [{"text": ""}]


def test_a_document_of_text_keeps_its_title_and_loses_what_google_cannot_be_told() -> None:
    extra = {"citations": {"enabled": True}}
    document = Media("document", "text/plain", text="So.", name="Log", extra=extra, extra_of="anthropic")
    request = asked(messages=[Message("user", [document])])
    assert CODEC.render_request(request).body["contents"][0]["parts"] == [{"text": "Log\n\nSo."}]
    assert lost(request) == {"document.citations"}


def test_parallel_results_stand_in_one_content_in_the_order_of_their_calls() -> None:
    first, second = make_id(0, "f", "{}"), make_id(1, "f", "{}")
    messages = [
        Message("assistant", [ToolCall(first, "f"), ToolCall(second, "f"), ToolCall("given", "g")]),
        Message("tool", [ToolResult("given", [Text("3")])]),
        Message("tool", [ToolResult(second, [Text("2")])]),
        Message("tool", [ToolResult(first, [Text("1")])]),
        HI,
    ]
    contents = CODEC.render_request(asked(messages=messages)).body["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user"]
    assert contents[2]["parts"] == [
        {"functionResponse": {"name": "f", "response": {"output": "1"}}},
        {"functionResponse": {"name": "f", "response": {"output": "2"}}},
        {"functionResponse": {"id": "given", "name": "g", "response": {"output": "3"}}},
        {"text": "hi"},
    ]


def test_a_result_that_is_json_stays_an_object_and_an_error_is_one() -> None:
    request = asked(
        messages=[Message("tool", [ToolResult("c", [Text('{"a":1}')], "f"), ToolResult("d", [Text("no")], "f", True)])]
    )
    responses = [
        part["functionResponse"]["response"] for part in CODEC.render_request(request).body["contents"][0]["parts"]
    ]
    assert responses == [{"a": 1}, {"error": "no"}]


def test_an_image_in_a_result_goes_into_it_where_the_model_can_and_behind_it_where_not() -> None:
    result = ToolResult("c", [Text("see"), Media("image", "image/png", data="AA==")], "shot")
    blob = {"inlineData": {"mimeType": "image/png", "data": "AA=="}}
    response = {"id": "c", "name": "shot", "response": {"output": "see"}}
    assert rendered(result, model="gemini-3-flash", role="tool") == [
        {"functionResponse": {**response, "parts": [blob]}}
    ]
    assert rendered(result, model="gemini-2.5-flash", role="tool") == [{"functionResponse": response}, blob]


def test_a_document_that_is_a_text_is_told_in_a_result() -> None:
    result = ToolResult("c", [Text("see: "), Media("document", text="plain words")], "f")
    [part] = rendered(result, model="gemini-3-flash", role="tool")
    assert part["functionResponse"] == {"id": "c", "name": "f", "response": {"output": "see: plain words"}}


def test_thinking_of_others_is_left_out_without_a_loss() -> None:
    request = asked(
        messages=[Message("assistant", [Thinking("hm", "sig", made_by="anthropic"), Text("yes"), Thinking("hm")])]
    )
    result = CODEC.render_request(request)
    assert result.body["contents"][-1]["parts"] == [{"text": "yes"}]
    assert result.losses == []


def test_a_history_of_another_model_gets_the_signature_that_google_names_for_it() -> None:
    foreign = [ToolCall("a", "f"), ToolCall("b", "f")]
    own = [ToolCall("c", "f", signature="real", signature_of="gemini"), ToolCall("d", "f")]
    turns = [
        Message("assistant", list(foreign)),
        Message("tool", [ToolResult("a"), ToolResult("b")]),
        Message("assistant", list(own)),
    ]

    def signatures(model: str) -> list[Any]:
        contents = CODEC.render_request(asked(model, messages=turns)).body["contents"]
        return [part.get("thoughtSignature") for one in contents for part in one["parts"] if "functionCall" in part]

    assert signatures("gemini-3-pro-preview") == [FOREIGN_SIGNATURE, None, "real", None]
    assert signatures("gemini-flash-latest") == [FOREIGN_SIGNATURE, None, "real", None]
    assert signatures("gemini-2.5-pro") == [None, None, "real", None]


def test_a_signature_that_another_made_does_not_go_to_google() -> None:
    [part] = rendered(ToolCall("a", "f", signature="x", signature_of="responses"), role="assistant")
    assert "thoughtSignature" not in part


def test_arguments_that_are_no_object_go_as_text_and_are_told() -> None:
    request = asked(messages=[Message("assistant", [ToolCall("a", "f", '{"half')])])
    result = CODEC.render_request(request)
    assert result.body["contents"][-1]["parts"][0]["functionCall"]["args"] == {"arguments": '{"half'}
    assert [loss.name for loss in result.losses] == ["arguments"]


@pytest.mark.parametrize(
    ("media", "expected"),
    [
        (Media("image", data="AA=="), {"inlineData": {"mimeType": "image/jpeg", "data": "AA=="}}),
        (Media("image", url="data:image/gif;base64,R0=="), {"inlineData": {"mimeType": "image/gif", "data": "R0=="}}),
        (
            Media("image", url="https://x/a.PNG?s=1"),
            {"fileData": {"mimeType": "image/png", "fileUri": "https://x/a.PNG?s=1"}},
        ),
        (
            Media("document", url="gs://b/a.pdf"),
            {"fileData": {"mimeType": "application/pdf", "fileUri": "gs://b/a.pdf"}},
        ),
        (
            Media("video", "video/mp4", file_id="files/abc"),
            {
                "fileData": {
                    "mimeType": "video/mp4",
                    "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc",
                }
            },
        ),
        (Media("document", text="plain words"), {"text": "plain words"}),
    ],
)
def test_files_of_every_form(media: Media, expected: dict[str, Any]) -> None:
    assert rendered(media) == [expected]


def test_a_file_that_google_cannot_reach_is_a_loss() -> None:
    request = asked(
        messages=[Message("user", [Text("see"), Media("document", file_id="file-1"), Media("image", url="s3://b/x")])]
    )
    assert lost(request) == {"document", "image"}


def test_the_detail_of_an_image_is_a_resolution_where_the_model_knows_it() -> None:
    image = Media("image", "image/png", data="AA==", detail="low")
    assert rendered(image, model="gemini-3-flash")[0]["mediaResolution"] == {"level": "MEDIA_RESOLUTION_LOW"}
    assert lost(asked(messages=[Message("user", [image])])) == {"detail"}


def test_what_only_another_dialect_knows_is_told_never_dropped_in_silence() -> None:
    native = Native("anthropic", {"type": "server_tool_use", "name": "web_search"}, text="searched: x")
    request = asked(dialect="anthropic", messages=[Message("assistant", [native, Refusal("no")])])
    result = CODEC.render_request(request)
    assert result.body["contents"][-1]["parts"] == [{"text": "searched: x"}, {"text": "no"}]
    assert [loss.name for loss in result.losses] == ["server_tool_use"]


def test_all_functions_stand_in_one_entry() -> None:
    tools = [Tool("f", "d", SCHEMA), Tool("g")]
    body = CODEC.render_request(asked(tools=tools)).body
    assert body["tools"] == [
        {"functionDeclarations": [{"name": "f", "description": "d", "parametersJsonSchema": SCHEMA}, {"name": "g"}]}
    ]


def test_an_older_model_gets_the_subset_without_what_it_refuses() -> None:
    result = CODEC.render_request(asked("gemini-1.5-pro", tools=[Tool("f", "", SCHEMA)]))
    function = result.body["tools"][0]["functionDeclarations"][0]
    assert function["parameters"] == {"type": "object", "properties": {"x": {"type": "string"}}}
    assert [loss.name for loss in result.losses] == ["tools.f.additionalProperties"]


def test_a_name_that_google_refuses_is_fitted_everywhere_alike() -> None:
    name = "files/read all"
    messages = [HI, Message("assistant", [ToolCall("c", name)]), Message("tool", [ToolResult("c", [Text("x")])])]
    body = CODEC.render_request(
        asked(messages=messages, tools=[Tool(name)], tool_choice=ToolChoice("tool", [name]))
    ).body
    fitted = body["tools"][0]["functionDeclarations"][0]["name"]
    assert fitted != name
    assert body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"] == [fitted]
    assert body["contents"][1]["parts"][0]["functionCall"]["name"] == fitted
    assert body["contents"][2]["parts"][0]["functionResponse"]["name"] == fitted


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("tool", ["f"]), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("required", ["f", "g"]), {"mode": "ANY", "allowedFunctionNames": ["f", "g"]}),
        (ToolChoice("auto", ["f"]), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
    ],
)
def test_names_are_allowed_only_where_the_mode_takes_them(choice: ToolChoice, expected: dict[str, Any]) -> None:
    body = CODEC.render_request(asked(tools=[Tool("f"), Tool("g")], tool_choice=choice)).body
    assert body["toolConfig"] == {"functionCallingConfig": expected}


def test_a_web_search_of_others_becomes_googles() -> None:
    search = NativeTool("anthropic", {"type": "web_search_20250305", "name": "web_search", "max_uses": 3})
    result = CODEC.render_request(asked(dialect="anthropic", tools=[search]))
    assert result.body["tools"] == [{"googleSearch": {}}]
    assert [loss.name for loss in result.losses] == ["tools.web_search_20250305.max_uses"]
    chat = CODEC.render_request(asked(rest={"web_search_options": {}}))
    assert (chat.body["tools"], chat.losses) == ([{"googleSearch": {}}], [])


def test_functions_and_googles_tools_are_mixed_only_where_the_model_allows_it() -> None:
    tools = [Tool("f"), NativeTool("responses", {"type": "web_search"})]
    old = CODEC.render_request(asked("gemini-2.5-pro", "responses", tools=tools))
    assert [list(tool) for tool in old.body["tools"]] == [["functionDeclarations"]]
    assert [loss.name for loss in old.losses] == ["tools.web_search"]
    new = CODEC.render_request(asked("gemini-3-pro-preview", "responses", tools=tools))
    assert [list(tool) for tool in new.body["tools"]] == [["functionDeclarations"], ["googleSearch"]]
    assert new.body["toolConfig"] == {"includeServerSideToolInvocations": True}


def test_a_tool_that_google_does_not_run_is_a_loss() -> None:
    assert lost(asked(tools=[NativeTool("responses", {"type": "mcp", "server_url": "x"})])) == {"tools.mcp"}


@pytest.mark.parametrize(
    ("model", "reasoning", "expected"),
    [
        ("gemini-2.5-flash", Reasoning(effort="low"), {"thinkingBudget": 2048, "includeThoughts": True}),
        ("gemini-2.5-flash", Reasoning(effort="max"), {"thinkingBudget": 24_576, "includeThoughts": True}),
        ("gemini-2.5-pro", Reasoning(budget_tokens=64), {"thinkingBudget": 128, "includeThoughts": True}),
        ("gemini-2.5-flash", Reasoning(is_off=True, effort="high"), {"thinkingBudget": 0}),
        ("gemini-2.5-flash", Reasoning(is_adaptive=True), {"thinkingBudget": -1, "includeThoughts": True}),
        ("gemini-2.5-flash", Reasoning(effort="low", summary=""), {"thinkingBudget": 2048}),
        ("gemini-3-flash", Reasoning(effort="minimal"), {"thinkingLevel": "minimal", "includeThoughts": True}),
        ("gemini-3-pro-preview", Reasoning(effort="medium"), {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-3.1-pro", Reasoning(effort="xhigh"), {"thinkingLevel": "high", "includeThoughts": True}),
        ("gemini-3-flash", Reasoning(budget_tokens=9000), {"thinkingLevel": "medium", "includeThoughts": True}),
        ("gemini-3-flash", Reasoning(effort="none"), {"thinkingLevel": "minimal"}),
    ],
)
def test_thinking_fits_the_model(model: str, reasoning: Reasoning, expected: dict[str, Any]) -> None:
    assert config_of(asked(model, reasoning=reasoning))["thinkingConfig"] == expected


def test_a_model_that_cannot_do_as_asked_says_so() -> None:
    assert lost(asked("gemini-2.0-flash", reasoning=Reasoning(effort="high"))) == {"reasoning_effort"}
    assert lost(asked("gemini-2.5-pro", "anthropic", reasoning=Reasoning(is_off=True))) == {"thinking"}


def test_a_schema_for_the_answer() -> None:
    form = Format("schema", {"type": "object", "properties": {}, "$schema": "x"}, "out")
    assert config_of(asked(format=form)) == {
        "responseMimeType": "application/json",
        "responseJsonSchema": {"type": "object", "properties": {}},
    }
    assert config_of(asked(format=Format("json"))) == {"responseMimeType": "application/json"}


def test_a_form_for_the_answer_and_tools_go_together_only_where_the_model_takes_both() -> None:
    form = Format("schema", {"type": "object"})
    old = CODEC.render_request(asked("gemini-2.5-pro", tools=[Tool("f")], format=form))
    assert ("generationConfig" in old.body, [loss.name for loss in old.losses]) == (False, ["response_format"])
    new = asked("gemini-3-pro-preview", tools=[Tool("f")], format=form)
    assert config_of(new)["responseJsonSchema"] == {"type": "object"}


def test_only_models_that_are_named_for_it_are_asked_for_sound_and_images() -> None:
    assert config_of(asked(modalities=["text"])) == {}
    assert lost(asked(modalities=["text", "audio"])) == {"modalities"}
    assert config_of(asked("gemini-2.5-flash-preview-tts", modalities=["audio"])) == {"responseModalities": ["AUDIO"]}


def test_every_setting_has_its_place() -> None:
    request = asked(
        max_tokens=9, temperature=0.5, top_p=0.9, top_k=3, seed=1, count=2, presence_penalty=0.1, frequency_penalty=0.2,
        logprobs=True, top_logprobs=4, stop=list("abcdef"), modalities=["text", "image"], service_tier="flex",
        model="gemini-2.5-flash-image",
    )  # fmt: skip
    result = CODEC.render_request(request)
    assert result.body["generationConfig"] == {
        "maxOutputTokens": 9, "temperature": 0.5, "topP": 0.9, "topK": 3, "seed": 1, "candidateCount": 2,
        "presencePenalty": 0.1, "frequencyPenalty": 0.2, "responseLogprobs": True, "logprobs": 4,
        "stopSequences": ["a", "b", "c", "d", "e"], "responseModalities": ["TEXT", "IMAGE"],
    }  # fmt: skip
    assert result.body["serviceTier"] == "flex"
    assert [loss.name for loss in result.losses] == ["stop"]


def test_what_gemini_cannot_say_is_a_loss_in_the_clients_words() -> None:
    request = asked(
        dialect="openai", is_parallel=False, user="u-1", verbosity="low", service_tier="scale",
        tools=[Tool("f", is_strict=True)], rest={"logit_bias": {}, "store": True},
        messages=[Message("user", [Text("hi")], name="bob")],
    )  # fmt: skip
    assert lost(request) == {
        "parallel_tool_calls", "user", "verbosity", "service_tier", "strict", "logit_bias", "store", "messages.name",
    }  # fmt: skip
    assert lost(asked(dialect="anthropic", user="u-1")) == {"metadata.user_id"}


def test_what_gemini_said_itself_goes_back_to_it() -> None:
    body = {
        "contents": [{"role": "user", "parts": [{"text": "hi"}]}],
        "tools": [{"functionDeclarations": [{"name": "f", "parametersJsonSchema": SCHEMA, "behavior": "BLOCKING"}]}],
        "toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}, "retrievalConfig": {"languageCode": "de"}},
        "generationConfig": {
            "responseMimeType": "text/x.enum", "thinkingConfig": {"thinkingBudget": -1}, "speechConfig": {"a": {}},
        },
        "safetySettings": [{"category": "X", "threshold": "BLOCK_NONE"}],
        "labels": {"team.name": "a"},
    }  # fmt: skip
    result = CODEC.render_request(CODEC.parse_request(body, "gemini-2.5-flash"))
    assert result.body == body
    assert result.losses == []


def test_arguments_that_are_null_are_none() -> None:
    [part] = rendered(ToolCall("a", "f", "null"), role="assistant")
    assert part["functionCall"]["args"] == {}


def test_a_setting_that_is_off_is_no_loss() -> None:
    search = NativeTool("anthropic", {"type": "web_search_20250305", "name": "web_search", "allowed_domains": None})
    assert lost(asked(dialect="anthropic", tools=[search])) == set()
    assert lost(asked(tools=[Tool("f", extra={"defer_loading": False})], rest={"logit_bias": None})) == set()


def test_a_loss_is_told_once() -> None:
    tools = [Tool("f", is_strict=True), Tool("g", is_strict=True)]
    found = CODEC.render_request(asked(tools=tools)).losses
    assert len(found) == 1
    assert isinstance(found[0], Loss)
