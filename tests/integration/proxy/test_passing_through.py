from dataclasses import replace
from pathlib import Path

import orjson
from pointsman.contract import digest

from tests.integration.proxy.fake_provider import (
    Asked,
    Wire,
    answering,
    anthropic_body,
    anthropic_frames,
    openai_body,
    openai_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import AGENT_KEY, PROVIDER_KEY, RUN, RUN_KEY, proxied, request


async def test_a_json_answer_passes_byte_for_byte_and_is_recorded_with_its_cost(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        body = b'{"model":"gpt-5-mini",  "messages":[{"role":"user","content":"Say hello"}],"x_new":1.50}'
        response = await proxy.ask(body)

    assert (response.status, response.body) == (200, openai_body())
    assert provider.asked[0].body == body
    ended = proxy.sink.ended
    assert ended["usage"] == {"input": 60, "cache_read": 40, "output": 20, "reasoning": 5}
    assert (
        ended["cost_nano_usd"] == 60 * 250 + 40 * 25 + 20 * 2000 == int(response.headers["x-pointsman-cost-nano-usd"])
    )
    assert (ended["outcome"], ended["status"], ended["stop_reason"]) == ("ok", 200, "stop")
    assert response.headers["x-request-id"] == ended["call_id"] == proxy.sink.started["call_id"]
    assert proxy.sink.started["run_id"] == "r_1"


async def test_only_calls_of_a_run_have_what_a_loop_is_seen_by(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        await proxy.ask(request())
        provider.script = streaming(openai_frames(("Hello",)))
        await proxy.ask(request(stream=True))
        proxy.policy.change(RUN_KEY, state="revoked")
        await proxy.ask(request(stream=True), key=AGENT_KEY)

    fingerprints = [started.get("fingerprint") for started in proxy.sink.of("call_started")]
    assert fingerprints[0] == fingerprints[1] != fingerprints[2] is None
    digests = [ended.get("response_digest") for ended in proxy.sink.of("call_ended")]
    assert digests[0] == digests[1] != digests[2] is None


async def test_a_stream_passes_byte_for_byte_without_the_usage_that_nobody_asked_for(tmp_path: Path) -> None:
    frames = openai_frames()
    async with proxied(tmp_path, streaming(frames)) as (provider, proxy):
        response = await proxy.ask(request(stream=True))

    assert response.body == b"".join(frames[:-2] + frames[-1:])
    assert orjson.loads(provider.asked[0].body)["stream_options"] == {"include_usage": True}
    assert proxy.sink.ended["usage"] == {"input": 100, "output": 20}
    assert proxy.sink.ended["outcome"] == "ok"


async def test_a_client_that_asked_for_usage_gets_it(tmp_path: Path) -> None:
    frames = openai_frames()
    async with proxied(tmp_path, streaming(frames)) as (_provider, proxy):
        response = await proxy.ask(request(stream=True, stream_options={"include_usage": True}))

    assert response.body == b"".join(frames)


async def test_an_anthropic_message_and_its_stream_pass_byte_for_byte(tmp_path: Path) -> None:
    frames = anthropic_frames()
    body = request("claude-sonnet-4-5", max_tokens=100)
    async with proxied(tmp_path, answering(whole(anthropic_body()))) as (provider, proxy):
        message = await proxy.ask(body, path="/v1/messages?beta=true")
        provider.script = streaming(frames)
        stream = await proxy.ask(request("claude-sonnet-4-5", stream=True), path="/v1/messages")

    assert message.body == anthropic_body()
    assert stream.body == b"".join(frames)
    assert provider.asked[0].line == "POST /v1/messages?beta=true HTTP/1.1"
    assert [ended["usage"] for ended in proxy.sink.of("call_ended")] == [
        {"input": 10, "cache_read": 50, "output": 7}
    ] * 2


async def test_the_provider_gets_its_own_key_and_nothing_of_ours(tmp_path: Path) -> None:
    headers = {
        "anthropic-beta": "tools-1",
        "openai-organization": "org",
        "x-new": "kept",
        "x-pointsman-task": "T-1",
        "cookie": "session=1",
        "forwarded": "for=1.2.3.4",
        "x-forwarded-for": "1.2.3.4",
        "baggage": "user=1",
        "traceparent": f"00-{'a' * 32}-{'b' * 16}-01",
        "connection": "close, x-hop",
        "x-hop": "1",
    }
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        await proxy.ask(request(), headers=headers)

    sent = provider.asked[0].headers
    assert sent["authorization"] == f"Bearer {PROVIDER_KEY}"
    assert RUN_KEY not in provider.asked[0].head.decode()
    assert {name: sent.get(name) for name in headers} == {
        **dict.fromkeys(headers),
        "anthropic-beta": "tools-1",
        "openai-organization": "org",
        "x-new": "kept",
    }
    assert sent["accept-encoding"] == "identity"
    assert proxy.sink.started["traceparent"] == headers["traceparent"]


async def test_a_run_that_is_revoked_during_its_call_is_recorded_so_even_when_policy_changes_in_place(
    tmp_path: Path,
) -> None:
    holders = {digest(RUN_KEY): RUN}

    async def revoke(_asked: Asked, wire: Wire) -> None:
        holders[digest(RUN_KEY)] = replace(RUN, state="revoked")
        await wire.send(whole(openai_body()))

    async with proxied(tmp_path, revoke, change=lambda policy: replace(policy, principals=holders)) as (_, proxy):
        answered = await proxy.ask(request())
        refused = await proxy.ask(request())

    assert (answered.status, refused.status) == (403, 403)
    ended = proxy.sink.ended
    assert (ended["after_revocation"], ended["outcome"], ended["upstream_status"]) == (True, "refused", 200)
    assert ended["usage"] == {"input": 60, "cache_read": 40, "output": 20, "reasoning": 5}  # paid all the same
