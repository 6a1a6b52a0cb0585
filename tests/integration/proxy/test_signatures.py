"""What a model signed comes back to it, whatever library the client has, for the gateway keeps it in between."""

from pathlib import Path
from typing import Any

import orjson

from proxy.dialects.gemini.names import fit
from tests.integration.proxy.fake_provider import answering, anthropic_body, streaming, whole
from tests.integration.proxy.running import proxied
from tests.integration.proxy.translating import CLAUDE, PARAMETERS, SAID, anthropic_client, only, openai_client

GEMINI_3 = "gemini-3-pro-preview"
USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 20, "totalTokenCount": 33}
WEATHER = "weather/of the city"  # Google takes no such name
CALLS: list[dict[str, Any]] = [
    {"text": "Two places.", "thought": True},
    {"functionCall": {"name": "", "args": {"city": "Oslo"}}, "thoughtSignature": "c2lnbmVk"},
    {"functionCall": {"name": "", "args": {"city": "Rome"}}},
]


def chunk(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    candidate = {"content": {"parts": list(parts), "role": "model"}, "index": 0, **more}
    return {"candidates": [candidate], "usageMetadata": USAGE, "modelVersion": GEMINI_3, "responseId": "r1"}


def called(fitted: str) -> list[dict[str, Any]]:
    return [
        {**part, "functionCall": {**part["functionCall"], "name": fitted}} if "functionCall" in part else part
        for part in CALLS
    ]


def frames(*chunks: dict[str, Any]) -> list[bytes]:
    return [b"data: " + orjson.dumps(one) + b"\r\n\r\n" for one in chunks]


def functions_of(body: bytes) -> list[dict[str, Any]]:
    contents = orjson.loads(body)["contents"]
    return [part for content in contents for part in content["parts"] if "functionCall" in part]


def fitted_name(body: bytes) -> str:
    name = orjson.loads(body)["tools"][0]["functionDeclarations"][0]["name"]
    assert isinstance(name, str)
    return name


async def test_openais_library_streams_calls_and_gemini_gets_its_signature_back(tmp_path: Path) -> None:
    tools: Any = [{"type": "function", "function": {"name": WEATHER, "parameters": PARAMETERS}}]
    first = frames(chunk(*called(fit(WEATHER))), chunk({"text": ""}, finishReason="STOP"))
    async with (
        proxied(tmp_path, streaming(first), change=only("gemini", "gemini")) as (provider, proxy),
        openai_client(proxy) as client,
    ):
        calls: dict[int, dict[str, Any]] = {}
        async for one in await client.chat.completions.create(model=GEMINI_3, messages=SAID, tools=tools, stream=True):
            for call in one.choices[0].delta.tool_calls or ():
                held = calls.setdefault(call.index, {"id": "", "name": "", "arguments": ""})
                held["id"] += call.id or ""
                held["name"] += (call.function and call.function.name) or ""
                held["arguments"] += (call.function and call.function.arguments) or ""
        provider.script = answering(whole(orjson.dumps(chunk({"text": "Cold and warm."}, finishReason="STOP"))))
        history: Any = [
            *SAID,
            {
                "role": "assistant",
                "tool_calls": [
                    {
                        "id": one["id"],
                        "type": "function",
                        "function": {"name": one["name"], "arguments": one["arguments"]},
                    }
                    for one in calls.values()
                ],
            },
            *({"role": "tool", "tool_call_id": one["id"], "content": "fine"} for one in calls.values()),
        ]
        answer = await client.chat.completions.create(model=GEMINI_3, messages=history, tools=tools)

    assert [(one["name"], one["arguments"]) for one in calls.values()] == [
        (WEATHER, '{"city":"Oslo"}'),
        (WEATHER, '{"city":"Rome"}'),
    ]
    assert answer.choices[0].message.content == "Cold and warm."
    assert fitted_name(provider.asked[0].body) == fit(WEATHER)
    assert functions_of(provider.asked[1].body) == called(fit(WEATHER))[1:]
    assert [record["usage"]["output"] for record in proxy.sink.of("call_ended")] == [24, 24]


async def test_anthropics_library_sends_back_no_signature_and_gemini_gets_it_all_the_same(tmp_path: Path) -> None:
    tools: Any = [{"name": "weather", "input_schema": PARAMETERS}]
    body = orjson.dumps(chunk(*called("weather"), finishReason="STOP"))
    async with (
        proxied(tmp_path, answering(whole(body)), change=only("gemini", "gemini")) as (provider, proxy),
        anthropic_client(proxy) as client,
    ):
        answer = await client.messages.create(model=GEMINI_3, max_tokens=2000, messages=SAID, tools=tools)
        provider.script = answering(whole(orjson.dumps(chunk({"text": "Cold."}, finishReason="STOP"))))
        results = [
            {"type": "tool_result", "tool_use_id": block.id, "content": "fine"}
            for block in answer.content
            if block.type == "tool_use"
        ]
        history: Any = [
            *SAID,
            {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in answer.content]},
            {"role": "user", "content": results},
        ]
        await client.messages.create(model=GEMINI_3, max_tokens=2000, messages=history, tools=tools)

    assert answer.stop_reason == "tool_use"
    assert functions_of(provider.asked[1].body) == called("weather")[1:]


async def test_a_history_of_another_model_is_not_refused_for_its_missing_signatures(tmp_path: Path) -> None:
    history: Any = [
        *SAID,
        {
            "role": "assistant",
            "tool_calls": [{"id": "call_of_gpt", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "call_of_gpt", "content": "fine"},
    ]
    body = orjson.dumps(chunk({"text": "ok"}, finishReason="STOP"))
    async with (
        proxied(tmp_path, answering(whole(body)), change=only("gemini", "gemini")) as (provider, proxy),
        openai_client(proxy) as client,
    ):
        await client.chat.completions.create(model=GEMINI_3, messages=history)
    [part] = functions_of(provider.asked[0].body)
    assert part["thoughtSignature"]
    assert part["functionCall"]["id"] == "call_of_gpt"


async def test_openais_library_lets_claude_think_on_where_it_was(tmp_path: Path) -> None:
    thinking = {"type": "thinking", "thinking": "Let me look.", "signature": "c2lnbmVk"}
    message = orjson.loads(anthropic_body())
    message["content"] = [
        thinking,
        {"type": "text", "text": "I look."},
        {"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {"city": "Oslo"}},
    ]
    message["stop_reason"] = "tool_use"
    tools: Any = [{"type": "function", "function": {"name": "weather", "parameters": PARAMETERS}}]
    asking: dict[str, Any] = {"model": CLAUDE, "tools": tools, "reasoning_effort": "low"}
    async with (
        proxied(tmp_path, answering(whole(orjson.dumps(message))), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        answer = await client.chat.completions.create(messages=SAID, **asking)
        said: Any = answer.choices[0].message.model_dump(exclude_none=True)
        result: Any = {"role": "tool", "tool_call_id": "toolu_1", "content": "fine"}
        await client.chat.completions.create(messages=[*SAID, said, result], **asking)

    turn = orjson.loads(provider.asked[1].body)["messages"][1]
    assert (turn["role"], [block["type"] for block in turn["content"]]) == (
        "assistant",
        ["thinking", "text", "tool_use"],
    )
    assert turn["content"][0] == thinking
