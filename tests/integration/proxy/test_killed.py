"""SIGKILL of `python -m proxy serve` with many calls on their way: what was answered is on record."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import orjson

from tests.integration.proxy.fake_provider import (
    Asked,
    FakeProvider,
    Wire,
    answering,
    fake_provider,
    openai_body,
    openai_frames,
    streaming,
    whole,
)
from tests.integration.proxy.running import Running, request

KEY = "standalone-key-1"
CHECKOUT = Path(__file__).parents[3]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def configuration(folder: Path, provider: FakeProvider, port: int) -> Path:
    path = folder / "proxy.yaml"
    path.write_text(
        f"""
listen: {{host: 127.0.0.1, port: {port}}}
keys: [{{name: writer, key: "${{WRITER_KEY}}"}}]
log: {folder}/calls.jsonl
state: {folder}/state
providers:
  openai: {{base_url: "http://127.0.0.1:{provider.port}/v1", api_key: sk-upstream}}
""",
        encoding="utf-8",
    )
    return path


@asynccontextmanager
async def standalone(folder: Path, provider: FakeProvider) -> AsyncIterator[tuple[asyncio.subprocess.Process, Running]]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy", "serve", "--config", str(configuration(folder, provider, port)),
        cwd=CHECKOUT, env={**os.environ, "WRITER_KEY": KEY, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'sdk'}"},
    )  # fmt: skip
    try:
        await until_it_listens(port)
        yield process, Running(port, None, None, None)  # type: ignore[arg-type]  # only its port is used
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def until_it_listens(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.05)  # nothing tells when a port opens
            else:
                writer.close()
                return


def records(folder: Path) -> tuple[dict[str, dict[str, object]], dict[str, dict[str, object]]]:
    """Started and ended calls, by id. Raises for a line that is not whole."""
    lines = [orjson.loads(line) for line in (folder / "calls.jsonl").read_bytes().splitlines()]
    started = {line["call_id"]: line for line in lines if line["type"] == "call_started"}
    ended = {line["call_id"]: line for line in lines if line["type"] == "call_ended"}
    return started, ended


async def test_no_answered_call_lacks_its_record_and_the_rest_were_in_flight(tmp_path: Path) -> None:
    width, answered = 64, []

    async def alternately(asked: Asked, wire: Wire) -> None:
        script = streaming(openai_frames()) if b"stream" in asked.body else answering(whole(openai_body()))
        await script(asked, wire)

    async def keep_asking(proxy: Running, is_stream: bool) -> None:
        body = request(stream=True) if is_stream else request()
        with contextlib.suppress(OSError, EOFError, TimeoutError):
            while True:
                response = await proxy.ask(body, key=KEY)
                if response.status == 200 and (not is_stream or b"[DONE]" in response.body):
                    answered.append(response.headers["x-request-id"])
                    await provider._note()

    async with (
        fake_provider(alternately) as provider,
        standalone(tmp_path, provider) as (process, proxy),
        asyncio.TaskGroup() as group,
    ):
        for number in range(width):
            group.create_task(keep_asking(proxy, number % 2 == 0))
        await provider.until(lambda: len(answered) > 300, 30)
        process.send_signal(signal.SIGKILL)

    started, ended = records(tmp_path)
    assert len(answered) > 300
    assert set(answered) <= set(ended)
    assert set(ended) <= set(started)
    assert len(started) - len(answered) <= width
    assert all(started[call_id]["cost_bound_nano_usd"] for call_id in set(started) - set(ended))
    assert all(ended[call_id]["cost_nano_usd"] <= started[call_id]["cost_bound_nano_usd"] for call_id in answered)


async def test_a_retry_after_the_kill_is_paid_again_only_if_it_was_not_answered(tmp_path: Path) -> None:
    answered, unanswered = {"idempotency-key": "1"}, {"idempotency-key": "2"}

    async def silent(_: Asked, wire: Wire) -> None:
        await wire.gone.wait()

    async with fake_provider(answering(whole(openai_body()))) as provider:
        async with standalone(tmp_path, provider) as (process, proxy):
            await proxy.ask(request(), key=KEY, headers=answered)
            provider.script = silent
            async with proxy.open(request(), key=KEY, headers=unanswered):
                await provider.until(lambda: len(provider.asked) == 2)
                process.kill()
                await process.wait()
        provider.script = answering(whole(openai_body()))
        async with standalone(tmp_path, provider) as (_, proxy):
            first = await proxy.ask(request(), key=KEY, headers=answered)
            second = await proxy.ask(request(), key=KEY, headers=unanswered)

    assert "x-pointsman-replay" in first.headers
    assert "x-pointsman-replay" not in second.headers
    assert second.body == openai_body()
    assert len(provider.asked) == 3
    assert not list((tmp_path / "state").rglob("*.asking"))


async def test_sigterm_lets_the_call_in_flight_end(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def held(_: Asked, wire: Wire) -> None:
        await release.wait()
        await wire.send(whole(openai_body()))

    async with fake_provider(held) as provider, standalone(tmp_path, provider) as (process, proxy):
        async with proxy.open(request(), key=KEY) as connection:
            await provider.until(lambda: len(provider.asked) == 1)
            process.terminate()
            release.set()
            response = await connection.response()
        async with asyncio.timeout(10):
            await process.wait()

    assert response.body == openai_body()
    assert len(records(tmp_path)[1]) == 1


async def test_a_configuration_that_makes_no_sense_says_where(tmp_path: Path) -> None:
    path = tmp_path / "proxy.yaml"
    path.write_text("providers:\n  mine: {dialect: openai, base_url: 'ftp://x'}\n", encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "proxy", "serve", "--config", str(path), cwd=CHECKOUT,
        env={**os.environ, "PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'sdk'}"}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    _, error = await process.communicate()

    assert process.returncode == 2
    assert error.decode() == "proxy: providers.mine.base_url: 'ftp://x' is not an http or https address\n"
