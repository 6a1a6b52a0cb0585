"""Endpoints whose answers nobody translates: they pass, they cost what they say, and each leaves its row."""

from dataclasses import replace
from pathlib import Path

import openai
import orjson
import pytest

from proxy.ports import Policy, Provider
from tests.integration.proxy.fake_provider import answering, openai_body, streaming, whole
from tests.integration.proxy.running import PROVIDER_KEY, RUN_KEY, proxied, request
from tests.integration.proxy.translating import only, openai_client

FORM = (
    b'--b\r\ncontent-disposition: form-data; name="file"; filename="a.wav"\r\n\r\n\x00\xff\r\n'
    b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\nopenai/whisper-1\r\n--b--\r\n'
)


async def test_embeddings_pass_and_cost_what_they_say(tmp_path: Path) -> None:
    answer = {
        "object": "list", "model": "text-embedding-3-small",
        "data": [{"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}],
        "usage": {"prompt_tokens": 8, "total_tokens": 8},
    }  # fmt: skip
    async with (
        proxied(tmp_path, answering(whole(orjson.dumps(answer)))) as (provider, proxy),
        openai_client(proxy) as client,
    ):
        found = await client.embeddings.create(model="text-embedding-3-small", input="hi", encoding_format="float")

    assert found.data[0].embedding == [0.5, 0.25]
    assert provider.asked[0].line == "POST /v1/embeddings HTTP/1.1"
    assert proxy.sink.ended["usage"] == {"input": 8}
    assert proxy.sink.ended["cost_nano_usd"] == 160


async def test_a_form_passes_to_the_provider_that_its_model_names(tmp_path: Path) -> None:
    answer = {"text": "hello", "usage": {"type": "tokens", "input_tokens": 14, "output_tokens": 2}}
    headers = {"content-type": "multipart/form-data; boundary=b"}
    async with proxied(tmp_path, answering(whole(orjson.dumps(answer)))) as (provider, proxy):
        response = await proxy.ask(FORM, path="/v1/audio/transcriptions", headers=headers)

    assert response.json == answer
    assert provider.asked[0].body == FORM.replace(b"openai/whisper-1", b"whisper-1")
    assert provider.asked[0].headers["content-type"] == headers["content-type"]
    assert (proxy.sink.started["provider"], proxy.sink.started["model"]) == ("openai", "whisper-1")
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["usage"]) == ("ok", {"input": 14, "output": 2})
    assert ended.get("request_body") is None, "a form with a file in it is nothing to read"


async def test_a_transcription_that_counts_no_tokens_costs_by_its_length(tmp_path: Path) -> None:
    answer = {"text": "hello", "usage": {"type": "duration", "seconds": 60}}
    headers = {"content-type": "multipart/form-data; boundary=b"}
    async with proxied(tmp_path, answering(whole(orjson.dumps(answer)))) as (_, proxy):
        await proxy.ask(FORM, path="/v1/audio/transcriptions", headers=headers)
    ended = proxy.sink.ended
    assert (ended["usage"], ended["cost_nano_usd"]) == ({"units": {"audio_ms": 60_000}}, 6_000_000)
    assert ended["cost_parts"] == {"audio_ms": 6_000_000}


async def test_sound_passes_as_it_comes_and_is_not_kept(tmp_path: Path) -> None:
    sound = bytes(range(256)) * 400
    script = answering(whole(sound, headers="content-type: audio/mpeg"))
    async with proxied(tmp_path, script) as (_, proxy), openai_client(proxy) as client:
        speech = await client.audio.speech.create(model="tts-1", voice="alloy", input="hi")

    assert speech.content == sound
    ended = proxy.sink.ended
    assert (ended["outcome"], ended["response_bytes"]) == ("ok", len(sound))
    assert not ended.get("response_body")
    assert ended["usage"] == {"is_estimated": True, "units": {"characters": 2}}
    assert ended["cost_nano_usd"] == 30_000  # 15 USD for a million characters


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/files"), ("DELETE", "/v1/files/file-1"), ("GET", "/v1/batches/b_1"), ("POST", "/v1/batches")],
)
async def test_files_and_batches_go_to_the_provider_that_the_header_names(
    tmp_path: Path, method: str, path: str
) -> None:
    def two(policy: Policy) -> Policy:
        other = replace(policy.providers[0], name="other", api_key="sk-other")
        return replace(policy, providers=(*policy.providers, other))

    body = orjson.dumps({"input_file_id": "file-1"}) if method == "POST" else b""
    headers = {"content-type": "application/json"} if body else {}
    async with proxied(tmp_path, answering(whole(b'{"id":"b_1","object":"batch"}')), change=two) as (provider, proxy):
        first = await proxy.ask(body, method=method, path=path, headers=headers)
        await proxy.ask(body, method=method, path=path, headers={**headers, "x-pointsman-provider": "other"})
        none = await proxy.ask(body, method=method, path=path, headers={"x-pointsman-provider": "nobody"})

    assert (first.json["id"], none.status) == ("b_1", 404)
    assert [asked.line for asked in provider.asked] == [f"{method} {path} HTTP/1.1"] * 2
    assert [asked.headers["authorization"] for asked in provider.asked] == [f"Bearer {PROVIDER_KEY}", "Bearer sk-other"]
    assert [record["outcome"] for record in proxy.sink.of("call_ended")] == ["ok", "ok", "refused"]


async def test_rerank_reaches_cohere_at_its_own_path(tmp_path: Path) -> None:
    answer = {
        "id": "r",
        "results": [{"index": 0, "relevance_score": 0.9}],
        "meta": {"billed_units": {"search_units": 1}},
    }

    def cohere(policy: Policy) -> Policy:
        one = Provider("cohere", "cohere", policy.providers[0].base_url, PROVIDER_KEY)
        return replace(policy, providers=(one,))

    body = orjson.dumps({"model": "rerank-v3.5", "query": "q", "documents": ["d"]})
    async with proxied(tmp_path, answering(whole(orjson.dumps(answer))), change=cohere) as (provider, proxy):
        response = await proxy.ask(body, path="/v1/rerank", headers={"content-type": "application/json"})

    assert response.json == answer
    assert provider.asked[0].line == "POST /v1/rerank HTTP/1.1"
    assert proxy.sink.ended["outcome"] == "ok"


async def test_an_endpoint_that_is_not_translated_needs_a_provider_that_has_it(tmp_path: Path) -> None:
    body = orjson.dumps({"model": "claude-sonnet-4-5", "input": "hi"})
    async with proxied(tmp_path, answering(b""), change=only("anthropic", "anthropic")) as (provider, proxy):
        response = await proxy.ask(body, path="/v1/embeddings")

    assert (response.status, response.json["error"]["code"]) == (404, "model_not_found")
    assert provider.asked == []


async def test_a_stream_of_another_endpoint_ends_with_its_own_last_event(tmp_path: Path) -> None:
    usage = {"type": "tokens", "input_tokens": 14, "output_tokens": 2}
    frames = [
        b"data: " + orjson.dumps(event) + b"\n\n"
        for event in (
            {"type": "transcript.text.delta", "delta": "he"},
            {"type": "transcript.text.done", "text": "hello", "usage": usage},
        )
    ]
    headers = {"content-type": "application/json"}
    body = orjson.dumps({"model": "gpt-4o-transcribe", "stream": True})
    async with proxied(tmp_path, streaming(frames)) as (_, proxy):
        response = await proxy.ask(body, path="/v1/audio/transcriptions", headers=headers)

    assert response.body == b"".join(frames)
    assert (proxy.sink.ended["outcome"], proxy.sink.ended["usage"]) == ("ok", {"input": 14, "output": 2})


@pytest.mark.parametrize("header", ["x-api-key", "x-goog-api-key", "api-key", "authorization"])
async def test_a_key_is_found_in_the_header_of_any_library_and_goes_no_further(tmp_path: Path, header: str) -> None:
    value = f"Bearer {RUN_KEY}" if header == "authorization" else RUN_KEY
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        response = await proxy.ask(request(), headers={header: value}, key=None)

    assert response.status == 200
    assert RUN_KEY.encode() not in provider.asked[0].head
    assert proxy.sink.started["run_id"] == "r_1"


async def test_a_retry_hint_in_a_sentence_becomes_a_header_also_where_nothing_is_translated(tmp_path: Path) -> None:
    error = {
        "error": {"message": "Rate limit reached. Please try again in 1.2s.", "type": "requests", "code": "rate_limit"}
    }
    script = answering(whole(orjson.dumps(error), "429 Too Many Requests"))
    async with proxied(tmp_path, script) as (_, proxy), openai_client(proxy) as client:
        with pytest.raises(openai.RateLimitError) as caught:
            await client.chat.completions.create(model="gpt-5-mini", messages=[{"role": "user", "content": "hi"}])

    assert orjson.loads(caught.value.response.content) == error
    assert caught.value.response.headers["retry-after"] == "2"
    assert caught.value.response.headers["retry-after-ms"] == "1200"


async def test_what_a_provider_of_the_same_dialect_refuses_is_taken_out_and_named(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body())), change=only("groq", "openai")) as (provider, proxy):
        clean = await proxy.ask(request("m", temperature=1.50))
        changed = await proxy.ask(request("m", logit_bias={"1": 2}, temperature=0.5))

    assert provider.asked[0].body == request("m", temperature=1.50)
    assert "x-pointsman-dropped" not in clean.headers
    assert orjson.loads(provider.asked[1].body) == orjson.loads(request("m", temperature=0.5))
    assert changed.headers["x-pointsman-dropped"] == "logit_bias"
