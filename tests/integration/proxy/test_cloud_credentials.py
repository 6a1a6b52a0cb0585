"""Calls to clouds that the gateway signs in to: the first waits, no other does, and a failure says whose it is."""

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openai
import orjson
import pytest

from proxy.credentials import renewing
from proxy.credentials.aws import Keys
from proxy.ports import Policy, Provider
from proxy.providers.signing import sign
from tests.integration.proxy.credentials.clouds import (
    Answer,
    Asked,
    FakeCloud,
    aws_keys,
    entra_error,
    fake_cloud,
    google_metadata,
    imds,
    invalid_grant,
    token,
)
from tests.integration.proxy.credentials.test_google import private_key_text, service_account
from tests.integration.proxy.fake_provider import Asked as AskedProvider
from tests.integration.proxy.fake_provider import Wire, answering, fake_provider, openai_body, whole
from tests.integration.proxy.running import Running, proxied
from tests.integration.proxy.test_killed import CHECKOUT, KEY, free_port, until_it_listens
from tests.integration.proxy.translating import SAID, openai_client

GEMINI = "gemini-2.5-pro"
ANSWER = orjson.dumps({
    "candidates": [{"content": {"parts": [{"text": "Hello"}], "role": "model"}, "finishReason": "STOP", "index": 0}],
    "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
    "modelVersion": GEMINI,
})  # fmt: skip
CONVERSE = orjson.dumps({
    "output": {"message": {"role": "assistant", "content": [{"text": "Hello"}]}}, "stopReason": "end_turn",
    "usage": {"inputTokens": 3, "outputTokens": 1, "totalTokens": 4}, "metrics": {"latencyMs": 5},
})  # fmt: skip
ASKING = orjson.dumps({"model": GEMINI, "messages": SAID, "contents": [{"role": "user", "parts": [{"text": "Hi"}]}]})
CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEARLY_OVER = 12.0  # seconds: usable for two, renewed after one


def with_one(name: str, dialect: Any, **settings: str) -> Callable[[Policy], Policy]:
    def change(policy: Policy) -> Policy:
        base_url = policy.providers[0].base_url
        return replace(policy, providers=(Provider(name, dialect, base_url, settings=settings),))

    return change


def vertex(path: Path | str) -> Callable[[Policy], Policy]:
    return with_one("vertex", "gemini", project="p", location="global", credentials=str(path))


async def ask(proxy: Running, model: str = GEMINI) -> str:
    async with openai_client(proxy) as client:
        answer = await client.chat.completions.create(model=model, messages=SAID)
    return answer.choices[0].message.content or ""


def numbered(seconds: float) -> Callable[[Asked], Answer]:
    """Another token each time."""
    given = iter(range(1, 100))
    return lambda _: token(f"ya29.{next(given)}", seconds)


def bearers(asked: list[AskedProvider]) -> list[str]:
    return [one.headers["authorization"] for one in asked]


async def asked_so_often(cloud: FakeCloud, times: int) -> None:
    await asyncio.to_thread(cloud.until, times)


async def test_a_token_is_renewed_before_it_ends(tmp_path: Path) -> None:
    given = iter([token("ya29.1", NEARLY_OVER)])
    with fake_cloud(lambda _: next(given, token("ya29.2"))) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        async with proxied(tmp_path, answering(whole(ANSWER)), change=vertex(path)) as (provider, proxy):
            assert await ask(proxy) == "Hello"
            await asked_so_often(cloud, 2)
            async with asyncio.timeout(10):
                while bearers(provider.asked)[-1] != "Bearer ya29.2":
                    assert await ask(proxy) == "Hello"
    assert len(cloud.asked) == 2


async def test_a_first_call_waits_for_a_token_that_is_slow_to_come(tmp_path: Path) -> None:
    may_answer = threading.Event()

    def slowly(_: Asked) -> Answer:
        may_answer.wait(10)
        return token()

    with fake_cloud(slowly) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        async with proxied(tmp_path, answering(whole(ANSWER)), change=vertex(path)) as (provider, proxy):
            calls = [asyncio.ensure_future(ask(proxy)) for _ in range(5)]
            await asked_so_often(cloud, 1)
            assert (await proxy.ask(b"", path="/healthz", method="GET")).status == 200  # nobody else waits
            assert not provider.asked
            may_answer.set()
            assert await asyncio.gather(*calls) == ["Hello"] * 5
    assert set(bearers(provider.asked)) == {"Bearer ya29.token"}
    assert len(cloud.asked) == 1


async def test_a_renewal_that_hangs_holds_nobody_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renewing, "renewal_in", lambda *_: 0.05)  # long before its end: nobody has to hurry here
    may_answer = threading.Event()
    given = iter([token("ya29.first")])

    def hanging(_: Asked) -> Answer:
        first = next(given, None)
        if first is None:
            may_answer.wait(10)
        return first or token("ya29.second")

    with fake_cloud(hanging) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        async with proxied(tmp_path, answering(whole(ANSWER)), change=vertex(path)) as (provider, proxy):
            await ask(proxy)
            await asked_so_often(cloud, 2)
            assert await ask(proxy) == "Hello"
            assert bearers(provider.asked) == ["Bearer ya29.first"] * 2
            may_answer.set()


async def test_a_refused_sign_in_is_told_in_the_callers_dialect_as_not_his_fault(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with fake_cloud(lambda _: invalid_grant()) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        async with proxied(tmp_path, answering(whole(ANSWER)), change=vertex(path)) as (provider, proxy):
            with pytest.raises(openai.InternalServerError) as failed:
                await ask(proxy)
    assert failed.value.status_code == 503
    assert failed.value.code == "provider_credentials"
    assert "refused (invalid_grant). Your key is fine" in str(failed.value)
    assert failed.value.response.headers["x-should-retry"] == "false"
    assert not provider.asked
    assert proxy.sink.ended["outcome"] == "error"
    assert proxy.sink.ended["error_code"] == "provider_credentials"
    assert "Invalid JWT Signature." in caplog.text
    assert private_key_text()[60:100] not in caplog.text
    assert all(one.form["assertion"] not in caplog.text for one in cloud.asked)


async def test_after_an_outage_calls_go_on_by_themselves(tmp_path: Path) -> None:
    with fake_cloud(lambda _: (403, {}, b"")) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        async with proxied(tmp_path, answering(whole(ANSWER)), change=vertex(path)) as (_, proxy):
            with pytest.raises(openai.InternalServerError):
                await ask(proxy)
            cloud.answering = lambda _: token()
            await asked_so_often(cloud, 2)
            async with asyncio.timeout(10):
                while (answer := await proxy.ask(ASKING)).status != 200:
                    assert answer.json["error"]["code"] == "provider_credentials"


async def test_a_client_cannot_choose_whose_quota_pays(tmp_path: Path) -> None:
    body = orjson.dumps({"contents": [{"role": "user", "parts": [{"text": "Hi"}]}]})
    with fake_cloud(lambda _: token()) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        async with proxied(tmp_path, answering(whole(ANSWER)), change=vertex(path)) as (provider, proxy):
            where = f"/v1beta/models/{GEMINI}:generateContent"
            answer = await proxy.ask(body, path=where, headers={"x-goog-user-project": "somebody-elses"})
    assert (answer.status, answer.body) == (200, ANSWER)
    assert "x-goog-user-project" not in provider.asked[0].headers
    assert provider.asked[0].headers["authorization"] == "Bearer ya29.token"


async def test_the_gateway_signs_in_before_anybody_calls(tmp_path: Path) -> None:
    with fake_cloud(lambda _: token()) as cloud:
        path = service_account(tmp_path, f"{cloud.url}/token")
        async with proxied(tmp_path, answering(whole(ANSWER)), change=vertex(path)):
            await asked_so_often(cloud, 1)


NATIVE = f"/v1beta/models/{GEMINI}:generateContent"


@pytest.mark.parametrize("path", ["/v1/chat/completions", NATIVE])
async def test_a_token_that_the_provider_does_not_believe_is_asked_for_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    monkeypatch.setattr(renewing, "DOUBT_AFTER_SECONDS", 0)

    async def believing_the_second(asked: AskedProvider, wire: Wire) -> None:
        is_second = asked.headers["authorization"] == "Bearer ya29.2"
        refusal = b'{"error":{"code":401,"message":"taken back","status":"UNAUTHENTICATED"}}'
        await wire.send(whole(ANSWER) if is_second else whole(refusal, "401 Unauthorized"))

    with fake_cloud(numbered(3599)) as cloud:
        change = vertex(service_account(tmp_path, f"{cloud.url}/token"))
        async with proxied(tmp_path, believing_the_second, change=change) as (_, proxy):
            assert (await proxy.ask(ASKING, path=path)).status == 401
            await asked_so_often(cloud, 2)
            async with asyncio.timeout(10):
                while (await proxy.ask(ASKING, path=path)).status != 200:
                    assert len(cloud.asked) < 50


@pytest.fixture
def nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of whoever runs the tests."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "IDENTITY_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))


@pytest.mark.usefixtures("nobodys")
async def test_bedrock_is_signed_with_the_machines_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change = with_one("bedrock", "bedrock", region="eu-west-1")
    with fake_cloud(imds(lambda: aws_keys("machine"))) as cloud:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"{cloud.url}/")
        async with proxied(tmp_path, answering(whole(CONVERSE)), change=change) as (provider, proxy):
            assert await ask(proxy, CLAUDE) == "Hello"
    (asked,) = provider.asked
    given = aws_keys("machine")
    keys = Keys(given["AccessKeyId"], given["SecretAccessKey"], given["Token"])
    url = f"http://127.0.0.1:{provider.port}{asked.line.split()[1]}"
    ours = dict(sign("POST", url, asked.body, moment_of(asked), keys, "eu-west-1"))
    assert asked.headers["authorization"] == ours[b"authorization"].decode()
    assert asked.headers["x-amz-security-token"] == "token-of-machine"


def moment_of(asked: AskedProvider) -> int:

    at = datetime.strptime(asked.headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    return int(at.timestamp()) * 10**9


@pytest.mark.usefixtures("nobodys")
async def test_azure_is_asked_with_a_token_of_entra_and_says_why_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = with_one("azure", "openai", tenant_id="t", client_id="c", client_secret="sekrit")
    with fake_cloud(lambda _: token("of-entra")) as cloud:
        monkeypatch.setenv("AZURE_AUTHORITY_HOST", cloud.url)
        async with proxied(tmp_path, answering(whole(openai_body())), change=change) as (provider, proxy):
            assert await ask(proxy, "gpt-5-mini") == "Hello"
        assert bearers(provider.asked) == ["Bearer of-entra"]
        assert "api-key" not in provider.asked[0].headers
        cloud.answering = lambda _: entra_error()
        async with proxied(tmp_path, answering(whole(openai_body())), change=change) as (_, proxy):
            with pytest.raises(openai.InternalServerError, match="invalid_client") as failed:
                await ask(proxy, "gpt-5-mini")
    assert "sekrit" not in str(failed.value)


async def test_killed_it_leaves_no_token_behind_and_the_next_one_asks_anew(tmp_path: Path) -> None:
    with fake_cloud(google_metadata()) as cloud:
        async with fake_provider(answering(whole(ANSWER))) as provider:
            for times in (1, 2):
                process, port = await serving(tmp_path, provider.port, cloud)
                try:
                    await until_it_listens(port)
                    async with openai.AsyncOpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=KEY) as client:
                        await client.chat.completions.create(model=GEMINI, messages=SAID)
                finally:
                    process.send_signal(signal.SIGKILL)
                    await process.wait()
                assert bearers(provider.asked) == ["Bearer ya29.of-the-machine"] * times
    kept = [path for path in tmp_path.rglob("*") if path.is_file() and b"ya29." in path.read_bytes()]
    assert kept == []
    assert (tmp_path / "errors").is_file()  # what it has logged was looked at, too


async def serving(folder: Path, port_of_provider: int, cloud: FakeCloud) -> tuple[asyncio.subprocess.Process, int]:
    """`proxy serve` on a machine of Google's."""
    port = free_port()
    path = folder / "proxy.yaml"
    path.write_text(
        f"""
listen: {{host: 127.0.0.1, port: {port}}}
keys: [{{name: writer, key: {KEY}}}]
log: {folder}/calls.jsonl
state: {folder}/state
providers:
  vertex:
    base_url: http://127.0.0.1:{port_of_provider}/v1
    settings: {{project: p, credentials: default}}
""",
        encoding="utf-8",
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GOOGLE_")}
    environment |= {"GCE_METADATA_HOST": cloud.host, "HOME": str(folder)}
    environment |= {"PYTHONPATH": f"{CHECKOUT}:{CHECKOUT / 'sdk'}"}
    with (folder / "errors").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proxy", "serve", "--config", str(path), cwd=CHECKOUT, env=environment, stderr=errors
        )
    return process, port
