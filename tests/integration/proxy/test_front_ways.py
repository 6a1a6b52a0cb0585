"""Whatever way a request takes through the server, its client cannot tell."""

import asyncio
from pathlib import Path
from typing import Any, ClassVar

import pytest
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from proxy.deps import Limits
from proxy.front import Front
from tests.integration.proxy.fake_provider import (
    LAST_CHUNK,
    STREAM_HEAD,
    Asked,
    Wire,
    answering,
    chunk,
    openai_body,
    openai_frames,
    whole,
)
from tests.integration.proxy.running import RUN_KEY, Connection, connected, head, proxied, request, written

WHOLE = answering(whole(openai_body()))
STREAMED = answering(STREAM_HEAD + chunk(b"".join(openai_frames())) + LAST_CHUNK)


class Watched(Front):
    """Counts which way requests take."""

    shortly: ClassVar[list[bytes]] = []

    @override
    def _answer(self, said: Any, body: bytes) -> None:
        self.shortly.append(body)
        super()._answer(said, body)


@pytest.fixture(autouse=True)
def shortly(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The bodies of the requests that took the short way."""
    seen: list[bytes] = []
    monkeypatch.setattr(Watched, "shortly", seen)
    return seen


async def everything(connection: Connection) -> bytes:
    async with asyncio.timeout(10):
        return await connection.reader.read()


def alike(answer: bytes) -> list[bytes]:
    """What of an answer does not change from call to call."""
    return [line for line in answer.split(b"\r\n") if not line.lower().startswith((b"date:", b"x-request-id:"))]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("lines", [(), ("connection: close",), ("accept: */*", "x-stainless-lang: python")])
async def test_an_answer_has_the_bytes_that_uvicorn_alone_would_send(
    tmp_path: Path, *, stream: bool, lines: tuple[str, ...], shortly: list[bytes]
) -> None:
    script = STREAMED if stream else WHOLE
    answers = []
    for http in (Watched, HttpToolsProtocol):
        async with proxied(tmp_path, script, http=http) as (_, proxy), connected(proxy) as connection:
            connection.writer.write(written(request(stream=stream), *lines))
            connection.writer.write(written(request(), "connection: close"))
            answers.append(await everything(connection))

    ours, theirs = answers
    assert ours.count(b"HTTP/1.1 200 OK\r\n") == (1 if "connection: close" in lines else 2)
    assert sorted(alike(ours)) == sorted(alike(theirs))
    assert b"\r\ndate: " in ours
    assert len(shortly) == 1


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        (written(b"{}"), 404),
        (written(b"not json"), 400),
        (written(request(), "content-encoding: gzip"), 415),
        (written(request()).replace(RUN_KEY.encode(), b"wrong"), 401),
        (written(request(), first="PUT /v1/chat/completions HTTP/1.1"), 405),
        (written(request(), first="POST /v1/nothing HTTP/1.1"), 404),
        (head(first="GET /healthz HTTP/1.1"), 200),
    ],
)
async def test_what_is_refused_is_refused_alike_and_leaves_the_connection_usable(
    tmp_path: Path, asked: bytes, status: int
) -> None:
    answers = []
    for http in (Watched, HttpToolsProtocol):
        async with proxied(tmp_path, WHOLE, http=http) as (_, proxy), connected(proxy) as connection:
            connection.writer.write(asked)
            answers.append(await connection.response())
            connection.writer.write(written(request()))
            assert (await connection.response()).status == 200

    ours, theirs = answers
    assert ours.status == theirs.status == status
    assert ours.headers.keys() == theirs.headers.keys()


async def test_a_request_that_comes_in_pieces_is_answered_like_one_that_comes_whole(
    tmp_path: Path, shortly: list[bytes]
) -> None:
    asked = written(request())
    async with proxied(tmp_path, WHOLE, http=Watched) as (provider, proxy):
        for cut in (1, 20, 60, asked.index(b"\r\n\r\n") + 4, len(asked) - 1):
            async with connected(proxy) as connection:
                connection.writer.write(asked[:cut])
                await connection.writer.drain()
                assert (await proxy.ask(b"{}")).status == 404  # by the time of its answer the first part was read
                connection.writer.write(asked[cut:])
                assert (await connection.response()).body == openai_body()

    assert [one.body for one in provider.asked] == [request()] * 5
    assert shortly.count(request()) == 3  # the two whose body came later went uvicorn's way


async def test_every_byte_of_two_requests_may_come_alone(tmp_path: Path) -> None:
    async with proxied(tmp_path, WHOLE, http=Watched) as (_, proxy), connected(proxy) as connection:
        for byte in written(request()) * 2:
            connection.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert [(await connection.response()).body for _ in range(2)] == [openai_body()] * 2


async def test_requests_sent_together_are_answered_in_their_order_whichever_way_they_take(
    tmp_path: Path, shortly: list[bytes]
) -> None:
    chunked = head("transfer-encoding: chunked") + chunk(request()) + b"0\r\n\r\n"
    asked = [written(request()), head(first="GET /healthz HTTP/1.1"), chunked, written(b"{}"), written(request())]
    async with proxied(tmp_path, WHOLE, http=Watched) as (_, proxy), connected(proxy) as connection:
        connection.writer.write(b"".join(asked))
        answers = [await connection.response() for _ in asked]
        connection.writer.write(written(request()))
        assert (await connection.response()).status == 200

    assert [answer.status for answer in answers] == [200, 200, 200, 404, 200]
    assert answers[1].json == {"status": "ok"}
    assert shortly == [request(), request()]  # the first, and the one that was alone again


async def test_a_stream_and_the_request_that_was_sent_with_it_do_not_mix(tmp_path: Path) -> None:
    async def by_model(asked: Asked, wire: Wire) -> None:
        await (STREAMED if b'"stream":true' in asked.body else WHOLE)(asked, wire)

    async with proxied(tmp_path, by_model, http=Watched) as (_, proxy), connected(proxy) as connection:
        connection.writer.write(written(request(stream=True)) + written(request()))
        first, second = await connection.response(), await connection.response()

    assert first.body.endswith(b"data: [DONE]\n\n")
    assert second.body == openai_body()


async def test_who_asks_before_sending_is_told_to_go_on(tmp_path: Path, shortly: list[bytes]) -> None:
    async with proxied(tmp_path, WHOLE, http=Watched) as (_, proxy), connected(proxy) as connection:
        connection.writer.write(head("expect: 100-continue", f"content-length: {len(request())}"))
        assert (await connection.head())[0] == 100
        connection.writer.write(request())
        assert (await connection.response()).body == openai_body()
    assert shortly == []


async def test_a_client_of_http_1_0_gets_its_answer_and_the_end(tmp_path: Path, shortly: list[bytes]) -> None:
    async with proxied(tmp_path, WHOLE, http=Watched) as (_, proxy), connected(proxy) as connection:
        connection.writer.write(written(request(), first="POST /v1/chat/completions HTTP/1.0"))
        assert (await everything(connection)).endswith(openai_body())
    assert shortly == []


async def test_a_body_that_is_too_large_ends_the_connection(tmp_path: Path) -> None:
    options = {"limits": Limits(body_bytes=100), "http": Watched}
    async with proxied(tmp_path, WHOLE, **options) as (_, proxy), connected(proxy) as connection:
        connection.writer.write(written(request(extra="x" * 200)))
        answer = await everything(connection)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.count(b"connection: close") == 1


@pytest.mark.parametrize("http", [Watched, HttpToolsProtocol])
async def test_an_answer_that_stays_below_its_length_ends_with_its_connection(
    tmp_path: Path, http: type[HttpToolsProtocol]
) -> None:
    async def cut(_: Asked, wire: Wire) -> None:
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-type: audio/mpeg\r\ncontent-length: 10\r\n\r\nhalf")
        wire.cut()

    async with proxied(tmp_path, cut, http=http) as (_, proxy), connected(proxy) as connection:
        connection.writer.write(written(request("gpt-4o-mini-tts"), first="POST /v1/audio/speech HTTP/1.1"))
        answer = await everything(connection)
    assert b"content-length: 10\r\n" in answer
    assert answer.endswith(b"\r\n\r\nhalf")
    assert proxy.sink.ended["outcome"] == "truncated"


async def test_an_answer_of_its_length_leaves_the_connection_usable(tmp_path: Path) -> None:
    sound = whole(b"sound", headers="content-type: audio/mpeg")
    async with proxied(tmp_path, answering(sound), http=Watched) as (_, proxy), connected(proxy) as connection:
        for _again in range(2):
            connection.writer.write(written(request("gpt-4o-mini-tts"), first="POST /v1/audio/speech HTTP/1.1"))
            assert (await connection.response()).body == b"sound"


async def test_an_idle_connection_is_closed_after_its_time_and_a_used_one_is_not(tmp_path: Path) -> None:
    options = {"http": Watched, "timeout_keep_alive": 1}
    loop = asyncio.get_running_loop()
    async with proxied(tmp_path, WHOLE, **options) as (_, proxy), connected(proxy) as connection:
        connection.writer.write(written(request()))
        await connection.response()
        began = loop.time()
        while loop.time() - began < 1.5:
            connection.writer.write(written(request()))
            await connection.response()
        idle_since = loop.time()
        assert await everything(connection) == b""
        assert 0.9 <= loop.time() - idle_since <= 5


async def test_a_call_under_way_at_shutdown_is_answered_and_its_connection_closed(tmp_path: Path) -> None:
    go_on = asyncio.Event()

    async def later(asked: Asked, wire: Wire) -> None:
        await go_on.wait()
        await WHOLE(asked, wire)

    async with proxied(tmp_path, later, http=Watched) as (provider, proxy):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        writer.write(written(request()))
        await provider.until(lambda: len(provider.asked) == 1)
        await proxy.stop_listening()
        go_on.set()
        answer = await everything(Connection(reader, writer))
        writer.close()

    assert answer.endswith(openai_body())
    assert b"\r\nconnection: close\r\n" in answer
    assert proxy.sink.ended["outcome"] == "ok"


async def test_a_client_that_reads_slowly_holds_the_provider_back(tmp_path: Path) -> None:
    part, is_held = b"data: " + b"x" * 65_000 + b"\n\n", asyncio.Event()

    async def flood(_: Asked, wire: Wire) -> None:
        await wire.send(STREAM_HEAD)
        try:
            while not wire.gone.is_set():
                async with asyncio.timeout(0.5):
                    await wire.send(chunk(part))
        except TimeoutError:
            is_held.set()
            await wire.gone.wait()

    async with proxied(tmp_path, flood, http=Watched) as (provider, proxy):
        async with proxy.open(request(stream=True)) as connection, asyncio.timeout(20):
            await connection.head()
            await is_held.wait()
        await provider.until(lambda: provider.gone == 1)
    assert proxy.sink.ended["outcome"] == "client_left"
