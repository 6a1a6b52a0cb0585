"""Texts embedded for OpenAI's client by providers that have a form of their own for it."""

from pathlib import Path

import openai
import orjson
import pytest

from proxy.errors import Dialect
from tests.integration.proxy.fake_provider import answering, whole
from tests.integration.proxy.running import proxied
from tests.integration.proxy.translating import only, openai_client

VECTORS = [[0.5, 0.25], [1.0, -1.0]]
GEMINI = {"embeddings": [{"values": vector} for vector in VECTORS]}
COHERE = {
    "id": "e1", "embeddings": {"float": VECTORS}, "texts": ["hi", "you"], "response_type": "embeddings_by_type",
    "meta": {"billed_units": {"input_tokens": 4}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "dialect", "model", "answer", "path"),
    [
        ("somewhere", "gemini", "gemini-embedding-001", GEMINI, "/v1/models/gemini-embedding-001:batchEmbedContents"),
        ("cohere", "cohere", "embed-v4.0", COHERE, "/v1/embed"),
    ],
)
async def test_vectors_come_back_in_the_clients_form(
    tmp_path: Path, name: str, dialect: Dialect, model: str, answer: dict[str, object], path: str
) -> None:
    script = answering(whole(orjson.dumps(answer)))
    async with (
        proxied(tmp_path, script, change=only(name, dialect)) as (provider, proxy),
        openai_client(proxy) as client,
    ):
        found = await client.embeddings.create(model=model, input=["hi", "you"], encoding_format="float")

    assert [one.embedding for one in found.data] == VECTORS
    assert provider.asked[0].line == f"POST {path} HTTP/1.1"
    assert b'"hi"' in provider.asked[0].body


async def test_a_provider_without_embeddings_is_not_asked_for_them(tmp_path: Path) -> None:
    async with (
        proxied(tmp_path, answering(whole(b"{}")), change=only("anthropic", "anthropic")) as (provider, proxy),
        openai_client(proxy) as client,
    ):
        with pytest.raises(openai.NotFoundError, match="cannot be translated"):
            await client.embeddings.create(model="m", input="hi")

    assert provider.asked == []
