"""Whatever comes in: a clear error in the caller's dialect, with a request id, and a record of whom it came from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proxy.deps import Limits
from proxy.ports import Policy, Provider
from tests.integration.proxy.fake_provider import Asked, Wire, answering, openai_body, whole
from tests.integration.proxy.running import AGENT_KEY, REVOKED_KEY, RUN_KEY, Response, proxied, request, running_proxy

OPENAI, ANTHROPIC = "/v1/chat/completions", "/v1/messages"
RESPONSES = "/v1/responses"
UNUSED_PORT = 1  # nothing listens there, and nothing here asks it


def error_of(response: Response) -> tuple[Any, Any]:
    """Type and code of an error in either dialect, after checking its shape."""
    error = response.json["error"]
    assert error["message"]
    assert response.headers["x-request-id"].startswith("c_")
    if response.json.get("type") == "error":
        assert response.json["request_id"] == response.headers["x-request-id"]
    else:
        assert set(error) == {"message", "type", "param", "code"}
    return error["type"], error["code"]


@pytest.mark.parametrize(
    ("path", "body", "status", "kind", "code"),
    [
        (OPENAI, b"{", 400, "invalid_request_error", "invalid_request"),
        (ANTHROPIC, b"\xff\xfe", 400, "invalid_request_error", "invalid_request"),
        (OPENAI, b"[1]", 400, "invalid_request_error", "invalid_request"),
        (OPENAI, b'{"model":"gpt-5-mini","messages":7}', 400, "invalid_request_error", "invalid_request"),
        (OPENAI, b'{"model":"m","messages":' + b"[" * 100_000, 400, "invalid_request_error", "invalid_request"),
        (OPENAI, b'{"messages":[]}', 404, "invalid_request_error", "model_not_found"),
        (ANTHROPIC, b'{"messages":[]}', 404, "not_found_error", "unknown_model"),
        (RESPONSES, b'{"input":"hi"}', 404, "invalid_request_error", "model_not_found"),
        (ANTHROPIC, b'{"model":"gpt-5-mini"}', 400, "invalid_request_error", "invalid_request"),
        ("/v1/embeddings", b"{}", 404, "invalid_request_error", "model_not_found"),
        ("/v1/nothing", b"{}", 404, "invalid_request_error", "not_found"),
        ("/v1/messages/batches", b"{}", 404, "not_found_error", "not_found"),
        ("/mcp/none", b"{}", 404, "invalid_request_error", "not_found"),
    ],
)
async def test_a_bad_request_gets_an_error_in_its_dialect(
    tmp_path: Path, path: str, body: bytes, status: int, kind: str, code: str
) -> None:
    async with running_proxy(tmp_path, UNUSED_PORT) as proxy:
        response = await proxy.ask(body, path=path)

    assert response.status == status
    assert error_of(response) == (kind, code)


async def test_a_refused_call_is_recorded_as_refused_and_costs_nothing(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, UNUSED_PORT) as proxy:
        response = await proxy.ask(b"{")

    ended = proxy.sink.ended
    assert (ended["outcome"], ended["status"], ended["error_code"]) == ("refused", 400, "invalid_request")
    assert (ended.get("cost_nano_usd", 0), ended.get("usage", {})) == (0, {})
    assert proxy.sink.started["run_id"] == "r_1"
    assert ended["response_body"] == response.body.decode()


@pytest.mark.parametrize(
    ("key", "headers", "status", "kind", "code"),
    [
        (None, {}, 401, "authentication_error", "invalid_api_key"),
        ("wrong", {}, 401, "authentication_error", "invalid_api_key"),
        (REVOKED_KEY, {}, 403, "permission_error", "run_revoked"),
    ],
)
async def test_a_key_that_is_no_good_is_refused_and_leaves_no_record(
    tmp_path: Path, key: str | None, headers: dict[str, str], status: int, kind: str, code: str
) -> None:
    async with running_proxy(tmp_path, UNUSED_PORT) as proxy:
        response = await proxy.ask(request(), key=key, headers=headers)

    assert (response.status, error_of(response)) == (status, (kind, code))
    assert response.headers.get("x-should-retry") == ("false" if code == "run_revoked" else None)
    assert proxy.sink.records == []


@pytest.mark.parametrize("header", ["x-api-key", "api-key", "authorization"])
async def test_a_key_is_found_in_every_header_that_a_library_uses(tmp_path: Path, header: str) -> None:
    value = f"Bearer {RUN_KEY}" if header == "authorization" else RUN_KEY
    async with proxied(tmp_path, answering(whole(openai_body()))) as (provider, proxy):
        response = await proxy.ask(request(), key=None, headers={header: value})

    assert response.status == 200
    assert RUN_KEY.encode() not in provider.asked[0].head


async def test_a_body_that_is_too_large_is_refused_by_its_length_alone(tmp_path: Path) -> None:
    limits = Limits(body_bytes=1024 * 1024)
    headers = {"content-length": str(2**40)}
    async with running_proxy(tmp_path, UNUSED_PORT, limits=limits) as proxy:
        response = await proxy.ask(b"", path=ANTHROPIC, headers=headers)

    assert (response.status, error_of(response)) == (413, ("request_too_large", "request_too_large"))


async def test_a_body_that_grows_too_large_is_refused_too(tmp_path: Path) -> None:
    limits = Limits(body_bytes=1024 * 1024)
    headers = {"transfer-encoding": "chunked", "content-length": None}
    chunks = (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 40
    async with running_proxy(tmp_path, UNUSED_PORT, limits=limits) as proxy:
        response = await proxy.ask(chunks, headers=headers)

    assert (response.status, error_of(response)) == (413, ("invalid_request_error", "request_too_large"))


async def test_a_compressed_request_is_refused_with_a_reason(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, UNUSED_PORT) as proxy:
        response = await proxy.ask(request(), headers={"content-encoding": "zstd"})

    assert response.status == 415
    assert "content-encoding" in response.json["error"]["message"]


async def test_the_wrong_method_says_which_is_right(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, UNUSED_PORT) as proxy:
        response = await proxy.ask(b"", method="GET")

    assert (response.status, response.headers["allow"]) == (405, "POST")


async def test_stale_policy_stops_run_keys_and_lets_agent_keys_go_on(tmp_path: Path) -> None:
    async with proxied(tmp_path, answering(whole(openai_body()))) as (_provider, proxy):
        proxy.policy.age = 31
        run = await proxy.ask(request())
        agent = await proxy.ask(request(), key=AGENT_KEY)
        ready = await proxy.ask(b"", method="GET", path="/readyz", key=None)

    assert (run.status, error_of(run)) == (503, ("server_error", "policy_stale"))
    assert (agent.status, ready.status) == (200, 503)


async def test_a_model_that_nobody_serves_is_said_to_be_unknown(tmp_path: Path) -> None:
    def without_wildcard(policy: Policy) -> Policy:
        return replace(policy, providers=(replace(policy.providers[0], models=("gpt-*",)), policy.providers[1]))

    async with running_proxy(tmp_path, UNUSED_PORT, change=without_wildcard) as proxy:
        response = await proxy.ask(request("mistral-large"))

    assert response.status == 404
    assert "GET /v1/models" in response.json["error"]["message"]


async def test_more_calls_in_flight_than_a_key_may_have_are_told_to_wait(tmp_path: Path) -> None:
    async def never(_: Asked, wire: Wire) -> None:
        await wire.gone.wait()

    limits = Limits(in_flight_per_key=1)
    async with proxied(tmp_path, never, limits=limits) as (provider, proxy):
        async with proxy.open(request()):
            await provider.until(lambda: len(provider.asked) == 1)
            second = await proxy.ask(request())
        await provider.until(lambda: provider.gone == 1)
        provider.script = answering(whole(openai_body()))
        third = await proxy.ask(request())

    assert (second.status, second.headers["retry-after"]) == (429, "1")
    assert third.status == 200


async def test_models_are_listed_in_the_shape_of_the_callers_dialect(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, UNUSED_PORT) as proxy:
        openai = await proxy.ask(b"", method="GET", path="/v1/models")
        anthropic = await proxy.ask(b"", method="GET", path="/v1/models", headers={"anthropic-version": "2023-06-01"})
        gemini = await proxy.ask(b"", method="GET", path=f"/v1beta/models?key={RUN_KEY}", key=None)
        one = await proxy.ask(b"", method="GET", path="/v1/models/gpt-5-mini")
        none = await proxy.ask(b"", method="GET", path="/v1/models/gpt-0")
        stranger = await proxy.ask(b"", method="GET", path="/v1/models", key=None)

    names = {model["id"] for model in openai.json["data"]}
    assert {"gpt-5-mini", "claude-sonnet-4-5"} <= names
    assert {model["id"] for model in anthropic.json["data"]} == names
    assert {model["name"] for model in gemini.json["models"]} == {f"models/{name}" for name in names}
    assert (one.json["id"], none.status, stranger.status) == ("gpt-5-mini", 404, 401)


async def test_the_simulated_provider_names_its_models_too(tmp_path: Path) -> None:
    def simulated(policy: Policy) -> Policy:
        return replace(policy, providers=(Provider("simulated", "openai", "http://127.0.0.1:1/v1", is_simulated=True),))

    async with running_proxy(tmp_path, UNUSED_PORT, change=simulated) as proxy:
        response = await proxy.ask(b"", method="GET", path="/v1/models")

    assert "gpt-5-mini" in {model["id"] for model in response.json["data"]}
