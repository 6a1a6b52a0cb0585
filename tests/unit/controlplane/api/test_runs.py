"""The agent's side: an offer, beats, a question, and an honest end."""

import asyncio

import pytest
from sqlalchemy import update

from controlplane.store.tables import Agent, Run
from controlplane.store.upsert import table_of


async def offer_of(script, writer, **body):
    await script.post("/tasks", {"title": "Write it", "brief": "Well."})
    response = await writer.post("/agents/me/next", {"wait_seconds": 0, **body})
    assert response.status_code == 200, response.text
    return response.json()


@pytest.fixture
async def offer(script, writer):
    return await offer_of(script, writer)


async def test_an_offer_holds_everything_a_run_needs(offer):
    assert offer["task"]["brief"] == "Well."
    assert (offer["run"]["number"], offer["run"]["epoch"]) == (1, 1)
    assert offer["run"]["key"].startswith("pm_run_r_")
    assert offer["task"]["run"]["agent"] == "writer"
    assert (offer["gateway_url"], offer["run"]["beat_seconds"]) == ("http://127.0.0.1:8787", 15.0)
    assert (offer["review_note"], offer["previous_version_text"], offer["comments"]) == (None, None, [])


async def test_an_offer_brings_what_was_said_about_the_task(script, writer, clock):
    await script.post("/tasks", {"title": "Write it"})
    for text in ("First.", "Second."):
        clock.ms += 1
        await script.post("/tasks/T-1/comments", {"text": text})
    comments = (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()["comments"]
    assert [(one["author"], one["text"]) for one in comments] == [("script", "First."), ("script", "Second.")]


async def test_without_work_the_answer_is_empty(writer):
    assert (await writer.post("/agents/me/next", {"wait_seconds": 0})).status_code == 204


async def test_a_waiting_agent_gets_a_task_within_a_second_of_its_being_ready(script, writer):
    waiting = asyncio.ensure_future(writer.post("/agents/me/next", {"wait_seconds": 20}))
    await script.post("/tasks", {"title": "Not yet", "backlog": True})
    await script.post("/tasks", {"title": "Ready"})
    async with asyncio.timeout(1):
        assert (await waiting).json()["task"]["title"] == "Ready"


async def test_a_repeated_request_for_work_gets_the_same_run(script, writer):
    await script.post("/tasks", {"title": "One"})
    await script.post("/tasks", {"title": "Two"})
    first = await writer.post("/agents/me/next", {"wait_seconds": 0}, idempotency_key="a")
    again = await writer.post("/agents/me/next", {"wait_seconds": 0}, idempotency_key="a")
    assert first.json()["run"] == again.json()["run"]


async def test_an_agents_capabilities_are_those_it_last_said(script, writer):
    await script.post("/tasks", {"title": "Paint", "needs": ["paint"]})
    assert (await writer.post("/agents/me/next", {"wait_seconds": 0})).status_code == 204
    offered = await writer.post("/agents/me/next", {"wait_seconds": 0, "capabilities": ["Paint"]})
    assert offered.json()["task"]["title"] == "Paint"
    (agent,) = (await script.get("/agents")).json()["agents"]
    assert (agent["capabilities"], agent["seen_at"] is not None) == (["paint"], True)


@pytest.mark.parametrize("body", [{"name": "somebody else"}, {"name": "x!"}])
async def test_a_key_is_for_its_own_agent(writer, body):
    response = await writer.post("/agents/me/next", {"wait_seconds": 0, **body})
    assert response.status_code in {403, 422}


async def test_a_script_is_offered_no_work(script):
    assert (await script.post("/agents/me/next", {"wait_seconds": 0})).status_code == 403


async def test_a_beat_keeps_the_lease_and_shows_progress(engine, run, path, database, offer, clock):
    clock.ms += 5000
    response = await run.post(f"{path}/beat", {"progress": "half-way"})
    assert response.json() == {"lease": "held", "directives": []}
    assert engine.beats == [(offer["task"]["task_id"], 1)]
    async with database.reading() as session:
        row = await session.get(Run, offer["run"]["run_id"])
        assert (row.seen_at_ms, row.progress) == (clock.ms, "half-way")


async def test_the_engine_hears_a_beat_at_most_every_twenty_seconds(engine, run, path, clock):
    for _ in range(11):
        await run.post(f"{path}/beat")
        clock.ms += 4100
    assert len(engine.beats) == 3


async def test_an_engine_that_is_away_costs_no_beat(engine, run, path):
    engine.is_away = True
    assert (await run.post(f"{path}/beat")).status_code == 200
    engine.is_away = False
    await run.post(f"{path}/beat")
    assert len(engine.beats) == 1


async def test_an_agents_key_can_beat_with_its_epoch(writer, path):
    assert (await writer.post(f"{path}/beat", x_pointsman_epoch="1")).status_code == 200
    assert (await writer.post(f"{path}/beat", x_pointsman_epoch="2")).json()["code"] == "lease_lost"
    assert (await writer.post(f"{path}/beat")).json()["code"] == "invalid_request"
    assert (await writer.post("/runs/r_other/beat", x_pointsman_epoch="1")).status_code == 404


async def test_a_paused_agent_keeps_its_run_and_is_told_to_pause(run, path, database):
    async with database.transaction() as session:
        await session.execute(update(table_of(Agent)).values(is_paused=True, pause_reason="a break"))
    beat = (await run.post(f"{path}/beat")).json()
    assert beat == {"lease": "held", "directives": [{"kind": "pause", "text": "a break"}]}


async def test_a_run_whose_task_was_taken_away_hears_so(script, run, path):
    await script.post("/tasks/T-1/move", {"to": "ready"})
    for verb, body in (
        ("beat", None),
        ("submit", {"content": "x"}),
        ("release", None),
        ("fail", {}),
        ("ask", {"text": "?"}),
    ):
        response = await run.post(f"{path}/{verb}", body)
        assert (response.status_code, response.json()["code"]) == (409, "lease_lost"), verb
    assert (await run.get("/tasks/T-1")).json()["code"] == "lease_lost"


async def test_a_submit_is_idempotent_by_its_content(run, path, script):
    answers = [(await run.post(f"{path}/submit", {"content": "# Draft"})).json() for _ in range(2)]
    assert answers == [{"version": 1}, {"version": 1}]
    assert (await script.get("/tasks/T-1")).json()["status"] == "in_review"


@pytest.mark.parametrize(
    ("verb", "body", "failures"),
    [("release", {"reason": "shift is over"}, 0), ("fail", {"reason": "exception", "message": "boom"}, 1)],
)
async def test_a_task_given_back_is_ready_again(engine, run, path, script, verb, body, failures):
    for _ in range(2):
        assert (await run.post(f"{path}/{verb}", body, idempotency_key="once")).status_code == 200
    task = (await script.get("/tasks/T-1")).json()
    assert (task["status"], task["run"]) == ("ready", None)
    assert engine.tasks[task["task_id"]].failures == failures


async def test_a_question_waits_for_its_answer(run, path, script):
    asked = await run.post(f"{path}/ask", {"text": "Which tone?", "question_id": "q_1"})
    assert asked.json() == {"question_id": "q_1"}
    assert (await run.get(f"{path}/answer/q_1")).json() == {"answer": None, "outcome": ""}
    waiting = asyncio.ensure_future(run.get(f"{path}/answer/q_1?wait_seconds=20"))
    task = (await script.get("/tasks/T-1")).json()
    assert (task["question"]["text"], task["run"]["state"]) == ("Which tone?", "waiting_input")
    await script.post("/tasks/T-1/answer", {"text": "Calm."})
    async with asyncio.timeout(1):
        assert (await waiting).json() == {"answer": "Calm.", "outcome": "answered"}


async def test_another_runs_key_is_refused(run, script, writer, http):
    assert (await run.post("/runs/r_other/beat")).status_code == 403
    assert (await script.post("/runs/r_other/beat")).status_code == 403


async def test_a_client_that_hung_up_leaves_no_claimed_task(script, writer, http, engine):
    """The claim may be made while nobody listens any more: then the task is given back at once."""
    created = (await script.post("/tasks", {"title": "One"})).json()
    transport = http._transport
    messages = iter([{"type": "http.request", "body": b'{"wait_seconds": 0}', "more_body": False}])
    execute, is_gone = engine.execute, asyncio.Event()

    async def claim_slowly(task_id, envelope):
        applied = await execute(task_id, envelope)
        is_gone.set()
        return applied

    engine.execute = claim_slowly

    async def receive():
        for message in messages:
            return message
        await is_gone.wait()
        return {"type": "http.disconnect"}

    async def send(_message):
        return

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "path": "/agents/me/next",
        "raw_path": b"/agents/me/next",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "server": ("pointsman.test", 80),
        "client": ("127.0.0.1", 1),
        "headers": [(b"authorization", f"Bearer {writer.key}".encode()), (b"content-type", b"application/json")],
    }
    await transport.app(scope, receive, send)
    state = engine.tasks[created["task_id"]]
    assert (state.status, [run.state for run in state.runs]) == ("ready", ["released"])
