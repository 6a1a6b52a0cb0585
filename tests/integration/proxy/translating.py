"""Clients of the vendors' libraries, and providers of another dialect than theirs."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anthropic
import openai
import orjson

from proxy.ports import Policy, Provider, UnsupportedPolicy
from tests.integration.proxy.fake_provider import anthropic_body
from tests.integration.proxy.running import PROVIDER_KEY, RUN_KEY, Running

SAID: Any = [{"role": "user", "content": "Say hello"}]
CLAUDE, GPT, GEMINI = "claude-sonnet-4-5", "gpt-5-mini", "gemini-2.5-pro"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


def openai_client(proxy: Running) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{proxy.url}/v1", api_key=RUN_KEY, max_retries=0)


def anthropic_client(proxy: Running) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=proxy.url, api_key=RUN_KEY, max_retries=0)


def only(name: str, dialect: Any, unsupported: UnsupportedPolicy = "warn") -> Callable[[Policy], Policy]:
    """A policy with one provider."""

    def change(policy: Policy) -> Policy:
        base_url = policy.providers[0].base_url
        one = Provider(name, dialect, base_url, PROVIDER_KEY, unsupported=unsupported)
        return replace(policy, providers=(one,))

    return change


async def listen(client: openai.AsyncOpenAI, said: list[str], is_said: asyncio.Event | None = None) -> None:
    """Puts down what a stream says as it comes; `is_said` when that is 'Hello'."""
    async for one in await client.chat.completions.create(model=CLAUDE, messages=SAID, stream=True):
        said.append(one.choices[0].delta.content or "")
        if is_said is not None and "".join(said) == "Hello":
            is_said.set()


def frame(kind: str, **rest: object) -> bytes:
    return f"event: {kind}\ndata: ".encode() + orjson.dumps({"type": kind, **rest}) + b"\n\n"


def tool_frames() -> list[bytes]:
    """Two tools called at once, their arguments interleaved, one without any."""
    head = orjson.loads(anthropic_body(""))
    head.update(content=[], stop_reason=None, usage={"input_tokens": 10, "output_tokens": 1})
    block = {"type": "tool_use", "input": {}}
    return [
        frame("message_start", message=head),
        frame("content_block_start", index=0, content_block={**block, "id": "toolu_1", "name": "weather"}),
        frame("content_block_start", index=1, content_block={**block, "id": "toolu_2", "name": "now"}),
        frame("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '{"city":'}),
        frame("content_block_delta", index=1, delta={"type": "input_json_delta", "partial_json": ""}),
        frame("content_block_delta", index=0, delta={"type": "input_json_delta", "partial_json": '"Oslo"}'}),
        frame("content_block_stop", index=0),
        frame("content_block_stop", index=1),
        frame("message_delta", delta={"stop_reason": "tool_use", "stop_sequence": None}, usage={"output_tokens": 7}),
        frame("message_stop"),
    ]
