"""What goes wrong between dialects, or cannot be said: errors, broken streams, parameters, repetitions."""

import asyncio
import gzip
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from tests.integration.proxy.fake_provider import (
    STREAM_HEAD,
    Asked,
    Wire,
    answering,
    anthropic_body,
    anthropic_frames,
    chunk,
    openai_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import RUN_KEY, Running, proxied, request
from tests.integration.proxy.translating import (
    CLAUDE,
    SAID,
    frame,
    listen,
    only,
    openai_client,
)


@pytest.mark.parametrize(
    ("status", "error", "raised", "kind"),
    [
        (
            "429 Too Many Requests",
            {"type": "rate_limit_error", "message": "slow down"},
            openai.RateLimitError,
            "slow down",
        ),
        (
            "529 Overloaded",
            {"type": "overloaded_error", "message": "Overloaded"},
            openai.InternalServerError,
            "Overloaded",
        ),
        (
            "401 Unauthorized",
            {"type": "authentication_error", "message": "no key"},
            openai.AuthenticationError,
            "no key",
        ),
        ("400 Bad Request", {"type": "invalid_request_error", "message": "bad"}, openai.BadRequestError, "bad"),
    ],
)
@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_error_of_the_provider_is_one_of_the_clients_library(
    tmp_path: Path, status: str, error: dict[str, str], raised: type[openai.APIStatusError], kind: str, is_stream: bool
) -> None:
    script = answering(
        whole(
            orjson.dumps({"type": "error", "error": error}), status, "content-type: application/json\r\nretry-after: 7"
        )
    )
    async with (
        proxied(tmp_path, script, change=only("anthropic", "anthropic")) as (_, proxy),
        openai_client(proxy) as client,
    ):
        with pytest.raises(raised, match=kind) as caught:
            await client.chat.completions.create(model=CLAUDE, messages=SAID, stream=is_stream)

    assert caught.value.response.headers["retry-after"] == "7"
    assert (proxy.sink.ended["outcome"], proxy.sink.ended["upstream_status"]) == ("error", int(status[:3]))
    assert proxy.sink.ended["usage"] == {}


async def test_an_error_before_the_first_word_of_a_stream_has_a_status_of_its_own(tmp_path: Path) -> None:
    broken = [*anthropic_frames()[:1], frame("error", error={"type": "overloaded_error", "message": "Overloaded"})]
    async with (
        proxied(tmp_path, streaming(broken), change=only("anthropic", "anthropic")) as (_, proxy),
        openai_client(proxy) as client,
    ):
        with pytest.raises(openai.InternalServerError, match="Overloaded"):
            await client.chat.completions.create(model=CLAUDE, messages=SAID, stream=True)

    assert (proxy.sink.ended["outcome"], proxy.sink.ended["upstream_status"]) == ("error", 200)
    assert proxy.sink.ended["status"] >= 500


async def test_an_error_within_a_stream_is_an_error_and_no_end(tmp_path: Path) -> None:
    broken = [*anthropic_frames()[:4], frame("error", error={"type": "overloaded_error", "message": "Overloaded"})]
    async with (
        proxied(tmp_path, streaming(broken), change=only("anthropic", "anthropic")) as (_, proxy),
        openai_client(proxy) as client,
    ):
        said: list[str] = []
        with pytest.raises(openai.APIError, match="Overloaded"):
            await listen(client, said)

    assert "".join(said) == "Hel"
    assert (proxy.sink.ended["outcome"], proxy.sink.ended["error_code"]) == ("error", "overloaded_error")


@pytest.mark.parametrize("ending", ["without its last event", "in the middle of HTTP"])
async def test_a_stream_that_breaks_off_is_truncated_and_what_came_is_billed(tmp_path: Path, ending: str) -> None:
    frames = anthropic_frames()[:5]

    async def cut(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + b"".join(map(chunk, frames)))
        await proxy_has_read.wait()
        wire.cut()

    proxy_has_read = asyncio.Event()
    script = streaming(frames) if ending == "without its last event" else cut
    async with (
        proxied(tmp_path, script, change=only("anthropic", "anthropic")) as (_, proxy),
        openai_client(proxy) as client,
    ):
        said: list[str] = []
        with pytest.raises(openai.APIError):
            await listen(client, said, proxy_has_read)

    assert "".join(said) == "Hello"
    ended = proxy.sink.ended
    assert ended["outcome"] == "truncated"
    assert ended["usage"]["is_estimated"]
    assert ended["usage"]["output"] > 0
    assert ended["cost_nano_usd"] > 0


async def test_what_the_provider_cannot_do_is_said_in_a_header_or_refused(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(anthropic_body())), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        raw = await client.chat.completions.with_raw_response.create(model=CLAUDE, messages=SAID, seed=7, logit_bias={})
        proxy.policy.policy = only("anthropic", "anthropic", "drop")(proxy.policy.policy)
        silent = await client.chat.completions.with_raw_response.create(model=CLAUDE, messages=SAID, seed=7)
        proxy.policy.policy = only("anthropic", "anthropic", "reject")(proxy.policy.policy)
        with pytest.raises(openai.BadRequestError, match="'seed'"):
            await client.chat.completions.create(model=CLAUDE, messages=SAID, seed=7)

    assert "seed" in raw.headers["x-pointsman-dropped"].split(", ")
    assert "x-pointsman-dropped" not in silent.headers
    assert len(provider.asked) == 2
    assert [record.get("dropped", []) for record in proxy.sink.of("call_started")][1] == ["seed"]


async def test_a_repeated_translated_call_is_answered_from_the_record(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(anthropic_body())), change=only("anthropic", "anthropic")) as (
            provider,
            proxy,
        ),
        openai_client(proxy) as client,
    ):
        once = {"idempotency-key": "k-1"}
        first = await client.chat.completions.create(model=CLAUDE, messages=SAID, extra_headers=once)
        second = await client.chat.completions.create(model=CLAUDE, messages=SAID, extra_headers=once)

    assert first == second
    assert len(provider.asked) == 1
    assert [record["outcome"] for record in proxy.sink.of("call_ended")] == ["ok", "replayed"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"state": "revoked", "reason": "a newer attempt took over"}, "run_revoked"),
        ({"state": "held", "is_frozen": True}, "run_paused"),
    ],
)
async def test_a_translated_stream_is_cut_with_an_error_of_the_clients_kind(
    tmp_path: Path, change: dict[str, Any], code: str
) -> None:
    async def endless(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + b"".join(map(chunk, anthropic_frames()[:5])))
        await wire.gone.wait()

    async def revoke(proxy: Running) -> None:
        await is_said.wait()
        proxy.policy.change(RUN_KEY, **change)

    is_said, said = asyncio.Event(), list[str]()
    async with (
        proxied(tmp_path, endless, change=only("anthropic", "anthropic")) as (provider, proxy),
        openai_client(proxy) as client,
        asyncio.timeout(5),
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(revoke(proxy))
        with pytest.raises(openai.APIError) as caught:
            await listen(client, said, is_said)
        await provider.until(lambda: provider.gone == 1)

    assert ("".join(said), caught.value.code) == ("Hello", code)
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["error_code"], ended["usage"]["is_estimated"]) == ("truncated", code, True)


async def test_a_client_that_leaves_a_translated_stream_ends_it_at_the_provider_too(tmp_path: Path) -> None:
    async def endless(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + b"".join(map(chunk, anthropic_frames()[:5])))
        await wire.gone.wait()

    async with proxied(tmp_path, endless, change=only("anthropic", "anthropic")) as (provider, proxy):
        async with proxy.open(request(CLAUDE, stream=True)) as connection:
            await connection.head()
            await connection.chunk()
        await provider.until(lambda: provider.gone == 1)

    assert (proxy.sink.ended["outcome"], proxy.sink.ended["usage"]["is_estimated"]) == ("client_left", True)


@pytest.mark.parametrize("is_stream", [False, True])
async def test_an_answer_that_came_compressed_unasked_is_translated_too(tmp_path: Path, is_stream: bool) -> None:
    plain = b"".join(anthropic_frames()) if is_stream else anthropic_body()
    kind = "text/event-stream" if is_stream else "application/json"
    script = answering(whole(gzip.compress(plain), headers=f"content-type: {kind}\r\ncontent-encoding: gzip"))
    async with proxied(tmp_path, script, change=only("anthropic", "anthropic")) as (_, proxy):
        response = await proxy.ask(request(CLAUDE, stream=is_stream))

    assert "content-encoding" not in response.headers
    assert b"Hel" in response.body
    assert proxy.sink.ended["usage"]["output"] == 7


@pytest.mark.parametrize("body", [b"<html>502</html>", b"null", b"[]", b"", b'{"error":{"message":"no","type":"x"}}'])
async def test_an_answer_that_is_none_is_an_error_of_the_provider(tmp_path: Path, body: bytes) -> None:
    async with proxied(tmp_path, answering(whole(body)), change=only("anthropic", "anthropic")) as (_, proxy):
        response = await proxy.ask(request(CLAUDE))

    assert response.status >= 500
    assert response.json["error"]["message"]
    assert (proxy.sink.ended["outcome"], proxy.sink.ended["upstream_status"]) == ("error", 200)
    assert proxy.sink.ended.get("usage", {}) == {}


async def test_a_request_that_makes_no_sense_is_refused_before_anybody_is_asked(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(b""), change=only("anthropic", "anthropic")) as (provider, proxy):
        response = await proxy.ask(orjson.dumps({"model": CLAUDE, "messages": [{"role": "wizard", "content": 7}]}))

    assert (response.status, response.json["error"]["type"]) == (400, "invalid_request_error")
    assert provider.asked == []


@pytest.mark.parametrize("model", [CLAUDE, "gpt-5-mini"], ids=["translated", "passed"])
async def test_a_stream_that_is_called_json_is_read_as_the_stream_it_is(tmp_path: Path, model: str) -> None:
    frames = anthropic_frames() if model == CLAUDE else openai_frames()
    async with proxied(tmp_path, answering(whole(b"".join(frames)))) as (_, proxy):
        response = await proxy.ask(request(model, stream=True))

    assert b"Hel" in response.body
    assert (proxy.sink.ended["outcome"], proxy.sink.ended["usage"]["output"]) == ("ok", 7 if model == CLAUDE else 20)
