"""When a stream's first token went out, in the record."""

import asyncio
from pathlib import Path

import orjson
import pytest

from tests.integration.proxy.fake_provider import (
    LAST_CHUNK,
    STREAM_HEAD,
    Asked,
    Wire,
    answering,
    anthropic_frames,
    chunk,
    openai_body,
    openai_frames,
    whole,
)
from tests.integration.proxy.running import Running, proxied, request
from tests.integration.proxy.translating import CLAUDE, GPT

PAUSE = 0.05


async def hesitate(asked: Asked, wire: Wire) -> None:
    """Begins at once, and speaks after a while."""
    is_claude = orjson.loads(asked.body)["model"] == CLAUDE
    frames = anthropic_frames() if is_claude else [b": not yet\n\n", *openai_frames()]
    await wire.send(STREAM_HEAD + chunk(frames[0]))
    await asyncio.sleep(PAUSE)
    await wire.send(chunk(b"".join(frames[1:3])))
    await asyncio.sleep(PAUSE)
    await wire.send(chunk(b"".join(frames[3:])) + LAST_CHUNK)


async def ask(proxy: Running, path: str, model: str, *, is_stream: bool = True) -> dict[str, int]:
    body = orjson.loads(request(model, stream=is_stream)) | {"max_tokens": 99}
    response = await proxy.ask(orjson.dumps(body), path=path)
    assert response.status == 200
    ended: dict[str, int] = proxy.sink.ended
    return ended


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
@pytest.mark.parametrize(("model", "pauses"), [(GPT, 1), (CLAUDE, 2)])
async def test_it_is_the_first_text_that_counts_passed_or_translated(
    tmp_path: Path, path: str, model: str, pauses: int
) -> None:
    async with proxied(tmp_path, hesitate) as (_, proxy):
        ended = await ask(proxy, path, model)

    assert max(ended["first_byte_us"], pauses * PAUSE * 1e6) <= ended["first_token_us"] < ended["total_us"]


async def test_a_whole_answer_has_none(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (_, proxy):
        ended = await ask(proxy, "/v1/chat/completions", GPT, is_stream=False)

    assert "first_token_us" not in ended
