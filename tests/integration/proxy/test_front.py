"""The server's addition, on real connections: what it answers must be what uvicorn would have answered."""

import asyncio
from pathlib import Path

from tests.integration.proxy.fake_provider import answering, openai_body, whole
from tests.integration.proxy.running import Connection, proxied, request, written


async def test_calls_that_are_sent_together_are_answered_one_after_the_other(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (_provider, proxy):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        connection = Connection(reader, writer)
        writer.write(written(request()) * 3)
        answers = [await connection.response() for _ in range(3)]
        writer.close()

    assert [answer.body for answer in answers] == [openai_body()] * 3
    assert [answer.headers["x-request-id"] for answer in answers] == [
        record["call_id"] for record in proxy.sink.of("call_ended")
    ]
    assert all("date" in answer.headers for answer in answers)


async def test_a_client_that_wants_its_connection_closed_gets_the_answer_and_then_the_end(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (_provider, proxy):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(written(request(), "connection: close"))
        async with asyncio.timeout(10):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()

    assert b"\r\nconnection: close" in head
    assert body == openai_body()


async def test_a_refusal_leaves_the_connection_usable(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (_provider, proxy):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        connection = Connection(reader, writer)
        writer.write(written(b"{}"))
        refused = await connection.response()
        writer.write(written(request()))
        answered = await connection.response()
        writer.close()

    assert (refused.status, answered.status) == (404, 200)
    assert refused.json["error"]["code"] == "model_not_found"
