"""What Cohere's library asks beside the chat: it passes, and costs what it says."""

import asyncio
from pathlib import Path

import cohere
import orjson

from tests.integration.proxy.fake_provider import answering, whole
from tests.integration.proxy.running import PROVIDER_KEY, RUN_KEY, Running, proxied
from tests.integration.proxy.translating import only


def client_of(proxy: Running) -> cohere.AsyncClientV2:
    return cohere.AsyncClientV2(RUN_KEY, base_url=proxy.url)


async def embed(client: cohere.AsyncClientV2, text: str) -> cohere.EmbedByTypeResponse:
    return await client.embed(model="embed-v4.0", input_type="search_query", texts=[text], embedding_types=["float"])


async def test_embeddings_pass_and_their_tokens_are_counted(tmp_path: Path) -> None:
    answer = {
        "id": "e",
        "embeddings": {"float": [[0.5, 0.25]]},
        "texts": ["hi"],
        "meta": {"billed_units": {"input_tokens": 2}},
    }
    script = answering(whole(orjson.dumps(answer)))
    async with (
        proxied(tmp_path, script, change=only("cohere", "cohere")) as (provider, proxy),
        client_of(proxy) as client,
    ):
        found = await asyncio.gather(*(embed(client, text) for text in ("hi", "ho")))

    assert found[0].embeddings.float_ == [[0.5, 0.25]]
    assert (provider.asked[0].line, provider.asked[0].headers["authorization"]) == (
        "POST /v1/embed HTTP/1.1",
        f"Bearer {PROVIDER_KEY}",
    )
    ended = proxy.sink.of("call_ended")
    assert [(one["outcome"], one["usage"]) for one in ended] == [("ok", {"input": 2})] * 2
    first, second = (one["fingerprint"] for one in proxy.sink.of("call_started"))
    assert first != second, "other texts are another call"


async def test_rerank_passes(tmp_path: Path) -> None:
    answer = {
        "id": "r",
        "results": [{"index": 0, "relevance_score": 0.9}],
        "meta": {"billed_units": {"search_units": 1}},
    }
    script = answering(whole(orjson.dumps(answer)))
    async with (
        proxied(tmp_path, script, change=only("cohere", "cohere")) as (provider, proxy),
        client_of(proxy) as client,
    ):
        found = await client.rerank(model="rerank-v3.5", query="q", documents=["d"])

    assert found.results[0].relevance_score == 0.9
    assert provider.asked[0].line == "POST /v1/rerank HTTP/1.1"
    assert proxy.sink.ended["outcome"] == "ok"
