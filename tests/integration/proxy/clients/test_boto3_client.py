"""boto3's Converse, to a model of every dialect."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config
from botocore.eventstream import EventStreamError
from botocore.exceptions import ClientError

from tests.integration.proxy.clients.gateway import (
    ANSWER,
    CALLED,
    CITY,
    KEY,
    MODELS,
    NOTHING,
    RESULT,
    THOUGHT,
    Gateway,
    every_provider,
)

TOOLS: Any = {
    "tools": [
        {"toolSpec": {"name": "weather", "description": "Tells the weather.", "inputSchema": {"json": CITY}}},
        {"toolSpec": {"name": "now", "inputSchema": {"json": NOTHING}}},
    ]
}
BRIEF: Any = [{"text": "Be brief."}]
ONCE = Config(retries={"total_max_attempts": 1})


@pytest.fixture
def client(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("AWS_BEARER_TOKEN_BEDROCK", raising=False)
    with client_of(gateway) as client:
        yield client


def client_of(gateway: Gateway, key: str = KEY, config: Config = ONCE) -> closing[Any]:
    """With the key as access key id: to an address without TLS the library sends no bearer token."""
    client = boto3.client(
        "bedrock-runtime",
        "us-east-1",
        endpoint_url=gateway.url,
        aws_access_key_id=key,
        aws_secret_access_key="any",
        config=config,
    )
    return closing(client)


def said(text: str) -> list[Any]:
    return [{"role": "user", "content": [{"text": f"Weather? play: {text}"}]}]


def text_of(message: Any) -> str:
    return "".join(block.get("text", "") for block in message["content"])


def streamed(client: Any, **asked: Any) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """The message that a stream tells, why it stopped, and its usage."""
    blocks: dict[int, dict[str, Any]] = {}
    stop, usage = "", {}
    with closing(client.converse_stream(**asked)["stream"]) as stream:
        events = [next(iter(event.items())) for event in stream]
    for kind, content in events:
        if kind == "contentBlockStart":
            blocks[content["contentBlockIndex"]] = {"toolUse": {**content["start"]["toolUse"], "input": ""}}
        elif kind == "contentBlockDelta":
            _grow(blocks.setdefault(content["contentBlockIndex"], {}), content["delta"])
        elif kind == "messageStop":
            stop = content["stopReason"]
        elif kind == "metadata":
            usage = content["usage"]
    for block in blocks.values():
        if "toolUse" in block:
            block["toolUse"]["input"] = json.loads(block["toolUse"]["input"] or "{}")
    return {"role": "assistant", "content": [blocks[index] for index in sorted(blocks)]}, stop, usage


def _grow(block: dict[str, Any], delta: dict[str, Any]) -> None:
    if "text" in delta:
        block["text"] = block.get("text", "") + delta["text"]
    elif "toolUse" in delta:
        block["toolUse"]["input"] += delta["toolUse"]["input"]
    else:
        thought = block.setdefault("reasoningContent", {}).setdefault("reasoningText", {"text": ""})
        thought["text"] += delta["reasoningContent"].get("text", "")
        if "signature" in delta["reasoningContent"]:
            thought["signature"] = delta["reasoningContent"]["signature"]


def converse(client: Any, is_stream: bool, **asked: Any) -> tuple[dict[str, Any], str, dict[str, Any]]:
    if is_stream:
        return streamed(client, **asked)
    answer = client.converse(**asked)
    return answer["output"]["message"], answer["stopReason"], answer["usage"]


whole_and_streamed = pytest.mark.parametrize("is_stream", [False, True], ids=["whole", "stream"])


@every_provider
@whole_and_streamed
def test_a_text_comes_with_its_end_and_its_usage(client: Any, gateway: Gateway, provider: str, is_stream: bool) -> None:
    message, stop, usage = converse(client, is_stream, modelId=MODELS[provider], messages=said("text"), system=BRIEF)

    assert gateway.asked.dialect == provider
    assert (text_of(message), stop, message["role"]) == (ANSWER, "end_turn", "assistant")
    assert (usage["inputTokens"] + usage.get("cacheReadInputTokens", 0), usage["outputTokens"]) == (100, 20)
    ended = gateway.ended
    assert (ended["outcome"], ended["usage"]["output"]) == ("ok", 20)
    assert "aus Oslo" in ended["response_body"]
    assert "\0" not in ended["response_body"]


@every_provider
@whole_and_streamed
def test_tools_are_called_and_their_results_answered(
    client: Any, gateway: Gateway, provider: str, is_stream: bool
) -> None:
    asked: Any = {"modelId": MODELS[provider], "toolConfig": TOOLS}
    message, stop, _ = converse(client, is_stream, messages=said("tools"), **asked)
    calls = [block["toolUse"] for block in message["content"] if "toolUse" in block]
    results = [{"toolResult": {"toolUseId": one["toolUseId"], "content": [{"text": RESULT}]}} for one in calls]
    turns = [*said("tools"), message, {"role": "user", "content": results}]
    answer = client.converse(messages=turns, **asked)

    assert (stop, [(one["name"], one["input"]) for one in calls]) == ("tool_use", CALLED)
    assert text_of(answer["output"]["message"]) == ANSWER
    assert json.dumps(gateway.asked.body).count("12 degrees") == 2


@every_provider
@whole_and_streamed
def test_thinking_is_a_block_of_its_own(client: Any, provider: str, is_stream: bool) -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 2000}}
    message, _, _ = converse(
        client,
        is_stream,
        modelId=MODELS[provider],
        messages=said("thinking"),
        inferenceConfig={"maxTokens": 5000},
        additionalModelRequestFields=thinking,
    )

    assert message["content"][0]["reasoningContent"]["reasoningText"]["text"] == THOUGHT
    assert text_of(message) == ANSWER


@every_provider
def test_a_refusal_of_the_request_is_a_validation_exception(client: Any, gateway: Gateway, provider: str) -> None:
    with pytest.raises(client.exceptions.ValidationException, match="it is wrong") as refused:
        client.converse(modelId=MODELS[provider], messages=said("invalid"))

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert gateway.ended["outcome"] == "error"


@every_provider
def test_a_rate_limit_is_an_exception_of_its_class(client: Any, provider: str) -> None:
    with pytest.raises(client.exceptions.ThrottlingException) as refused:
        client.converse(modelId=MODELS[provider], messages=said("rate_limit"), system=[{"text": "boto3"}])

    metadata = refused.value.response["ResponseMetadata"]
    assert (metadata["HTTPStatusCode"], metadata["HTTPHeaders"]["retry-after"]) == (429, "1")


@every_provider
def test_a_stream_that_is_cut_raises(client: Any, gateway: Gateway, provider: str) -> None:
    with pytest.raises(EventStreamError, match="modelStreamErrorException"):
        streamed(client, modelId=MODELS[provider], messages=said("cut"))

    assert gateway.ended["outcome"] == "truncated"


def test_bytes_pass_to_bedrock_with_its_key_and_the_model_in_the_path(client: Any, gateway: Gateway) -> None:
    name = "eu.anthropic.claude-sonnet-4-5"
    answer = client.converse(modelId=f"a-bedrock/{name}", messages=said("text"), requestMetadata={"team": "weather"})

    asked = gateway.asked
    assert (text_of(answer["output"]["message"]), answer["metrics"]["latencyMs"]) == (ANSWER, 551)
    assert (asked.path, asked.headers["authorization"]) == (f"/v1/model/{name}/converse", "Bearer sk-of-the-provider")
    assert asked.body == {"messages": said("text"), "requestMetadata": {"team": "weather"}}


def test_the_key_may_be_a_bearer_token(gateway: Gateway) -> None:
    """As the library sends it to an address of https, the model's name escaped."""
    request = Request(
        f"{gateway.url}/model/{MODELS['openai'].replace('-', '%2D')}/converse",
        json.dumps({"messages": said("text")}).encode(),
        {"authorization": f"Bearer {KEY}", "content-type": "application/json"},
    )
    with urlopen(request) as response:
        answer = json.load(response)

    assert text_of(answer["output"]["message"]) == ANSWER


def test_an_unknown_key_is_refused_in_amazons_words(gateway: Gateway) -> None:
    with client_of(gateway, "wrong-key") as client, pytest.raises(ClientError, match="key") as refused:
        client.converse(modelId=MODELS["openai"], messages=said("text"))

    response = refused.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (
        "UnrecognizedClientException",
        401,
    )
    assert response["ResponseMetadata"]["RequestId"]


def test_a_throttled_call_is_asked_again_by_the_library(gateway: Gateway) -> None:
    twice = Config(retries={"mode": "standard", "total_max_attempts": 2})
    with client_of(gateway, config=twice) as client:
        answer = client.converse(modelId=MODELS["gemini"], messages=said("rate_limit"), system=[{"text": "twice"}])

    assert text_of(answer["output"]["message"]) == ANSWER
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
