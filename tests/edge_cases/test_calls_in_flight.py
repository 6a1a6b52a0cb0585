"""Row of the table: LLM call in flight at revocation. A real gateway on a socket, a provider that speaks the wire."""

import asyncio
from pathlib import Path

from proxy.fence import Fencing
from tests.integration.proxy.fake_provider import LAST_CHUNK, STREAM_HEAD, Asked, Wire, chunk, openai_frames
from tests.integration.proxy.running import RUN_KEY, proxied, request

REVOKED = {"state": "revoked", "reason": "it was superseded (reassigned by Maya)"}


async def test_an_llm_call_in_flight_at_revocation_is_cut_by_policy_billed_and_marked_after_revocation(tmp_path: Path):
    async def endless(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(b"".join(openai_frames()[:2])))
        await wire.gone.wait()

    async with (
        proxied(tmp_path, endless) as (provider, proxy),
        proxy.open(request(stream=True)) as connection,
    ):
        await connection.head()
        await connection.chunk()
        proxy.policy.change(RUN_KEY, **REVOKED)
        rest = [b""]
        while part := await connection.chunk():
            rest.append(part)
        await provider.until(lambda: provider.gone == 1)
        refused = await proxy.ask(request())

    assert b"run_revoked" in b"".join(rest)
    ended = proxy.sink.of("call_ended")[0]
    assert (ended["outcome"], ended["error_code"], ended["after_revocation"]) == ("truncated", "run_revoked", True)
    assert ended["cost_nano_usd"] > 0
    assert (refused.status, refused.json["error"]["code"]) == (403, "run_revoked")


async def test_an_llm_call_in_flight_at_revocation_may_finish_by_policy_and_is_billed_in_full(tmp_path: Path):
    frames, release = openai_frames(), asyncio.Event()

    async def held(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD + chunk(frames[0]))
        await release.wait()
        await wire.send(chunk(b"".join(frames[1:])) + LAST_CHUNK)

    finish = Fencing(revoked_streams="finish", frozen_streams="finish")
    async with proxied(tmp_path, held, fencing=finish) as (_, proxy), proxy.open(request(stream=True)) as connection:
        await connection.head()
        await connection.chunk()
        proxy.policy.change(RUN_KEY, **REVOKED)
        release.set()
        assert b"[DONE]" in await connection.chunk()

    ended = proxy.sink.ended
    assert (ended["outcome"], ended["after_revocation"]) == ("ok", True)
    assert ended["usage"] == {"input": 100, "output": 20}
