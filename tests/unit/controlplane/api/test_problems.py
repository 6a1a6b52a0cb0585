"""Every no has one shape, a code, a request id, and no inside."""

import logging

import pytest

from controlplane.api.requests import MAX_BODY_BYTES


def assert_problem(response, status, code):
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["status"], body["code"], body["type"]) == (status, code, f"urn:pointsman:problem:{code}")
    assert body["detail"]
    assert body["title"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body


@pytest.mark.parametrize("key", ["", "pm_admin_short", "sk-something", "pm_agent_" + "a" * 49])
async def test_a_wrong_key_is_401(script, key):
    response = await script.with_key(key).get("/tasks")
    assert_problem(response, 401, "invalid_key")
    assert response.headers["www-authenticate"] == "Bearer"


async def test_no_key_is_401(http):
    assert_problem(await http.get("/tasks"), 401, "invalid_key")


async def test_a_revoked_key_is_401(script):
    made = (await script.post("/keys", {"kind": "agent", "agent": "writer"})).json()
    (_, key) = (await script.get("/keys")).json()["keys"]
    assert (await script.with_key(made["key"]).get("/tasks")).status_code == 200
    assert (await script.ask("DELETE", f"/keys/{key['key_id']}")).status_code == 204
    assert_problem(await script.with_key(made["key"]).get("/tasks"), 401, "invalid_key")
    assert_problem(await script.ask("DELETE", f"/keys/{key['key_id']}"), 404, "not_found")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/title"),
        ({"title": ""}, "/title"),
        ({"title": "x", "titel": "y"}, "/titel"),
        ({"title": "x", "priority": 9}, "/priority"),
        ({"title": "x", "needs": ["a", 7]}, "/needs/1"),
        ([], ""),
    ],
)
async def test_a_body_that_is_not_valid_is_422_and_says_where(script, body, pointer):
    problem = assert_problem(await script.post("/tasks", body), 422, "invalid_request")
    assert problem["errors"][0]["pointer"] == pointer


async def test_what_is_not_json_is_400(http, script):
    headers = {"authorization": f"Bearer {script.key}", "content-type": "application/json"}
    assert_problem(await http.post("/tasks", content=b"{nope", headers=headers), 400, "invalid_request")


async def in_chunks(size):
    for _ in range(size // 65536):
        yield b" " * 65536


@pytest.mark.parametrize("is_chunked", [False, True])
async def test_an_oversize_body_is_413(http, script, is_chunked):
    headers = {"authorization": f"Bearer {script.key}", "content-type": "application/json"}
    size = MAX_BODY_BYTES + 65536
    response = await http.post("/tasks", content=in_chunks(size) if is_chunked else b" " * size, headers=headers)
    assert_problem(response, 413, "request_too_large")


async def test_an_unknown_path_is_404_and_a_wrong_method_405(script):
    assert_problem(await script.get("/nothing"), 404, "not_found")
    assert_problem(await script.ask("PUT", "/tasks"), 405, "not_found")


async def test_a_rules_no_carries_its_details(script):
    for title in ("A", "B"):
        await script.post("/tasks", {"title": title})
    await script.post("/tasks/T-1/blockers", {"tasks": ["T-2"]})
    problem = assert_problem(await script.post("/tasks/T-2/blockers", {"tasks": ["T-1"]}), 409, "dependency_cycle")
    assert problem["path"] == ["T-2", "T-1", "T-2"]
    problem = assert_problem(await script.post("/tasks/T-1/review", {"verdict": "approve"}), 409, "illegal_transition")
    assert problem["detail"] == "T-1 is ready; review is not possible from there."


@pytest.mark.parametrize(
    ("path", "body"), [("/tasks/T-1/cancel", {}), ("/keys", {"agent": "x"}), ("/agents", {"name": "x"})]
)
async def test_an_agent_may_not_do_what_people_do(script, writer, path, body):
    await script.post("/tasks", {"title": "A"})
    assert_problem(await writer.post(path, body), 403, "forbidden")


async def test_an_engine_that_is_away_is_503_and_may_be_retried(script, engine):
    engine.is_away = True
    response = await script.post("/tasks", {"title": "A"}, idempotency_key="1")
    assert_problem(response, 503, "engine_unavailable")
    assert (response.headers["retry-after"], response.headers["x-should-retry"]) == ("1", "true")
    engine.is_away = False
    assert (await script.post("/tasks", {"title": "A"}, idempotency_key="1")).status_code == 201


async def test_our_own_fault_is_logged_once_and_not_shown(script, engine, caplog):
    async def fail(*_):
        raise RuntimeError("secret inside")

    engine.execute = fail
    with caplog.at_level(logging.ERROR):
        response = await script.post("/tasks", {"title": "A"}, x_request_id="mine-1")
    body = assert_problem(response, 500, "internal")
    assert body["request_id"] == "mine-1"
    assert "secret" not in response.text
    assert [record.message for record in caplog.records if record.levelno >= logging.ERROR] == ["a request failed"]


@pytest.mark.parametrize("given", ["a\x7fb", "x" * 200, "<script>"])
async def test_an_odd_request_id_is_replaced(script, given):
    assert (await script.get("/tasks", x_request_id=given)).headers["x-request-id"].startswith("req_")


async def test_a_key_is_shown_once_and_only_its_tail_is_kept(script):
    made = (await script.post("/keys", {"agent": "Writer", "name": "laptop"})).json()
    assert made["key"].startswith("pm_agent_")
    listed = await script.get("/keys")
    assert made["key"] not in listed.text
    assert [(key["kind"], key["agent"], key["name"], key["tail"]) for key in listed.json()["keys"]][1:] == [
        ("agent", "writer", "laptop", made["key"][-4:])
    ]


async def test_an_agent_may_speak_of_itself_only(script, writer):
    said = await writer.post("/agents", {"name": "writer", "capabilities": ["Draft", "edit"], "call_sign": "WRT"})
    assert (said.json()["capabilities"], said.json()["call_sign"]) == (["draft", "edit"], "WRT")
    assert_problem(await writer.post("/agents", {"name": "other"}), 403, "forbidden")
    assert_problem(await script.post("/agents", {"name": "no/slash"}), 422, "invalid_request")
