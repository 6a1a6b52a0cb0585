"""The same `Idempotency-Key` is the same command, also where no workflow stands behind it."""

import pytest

from controlplane.store.tables import AnsweredRequest
from controlplane.store.upsert import table_of

MUTATIONS = [
    ("/agents", {"name": "drafty", "max_concurrency": 2}, {"name": "drafty", "max_concurrency": 3}),
    ("/agent-templates", {"name": "poet"}, {"name": "poet", "max_concurrency": 1}),
    ("/teams", {"handle": "qa"}, {"handle": "qa", "name": "Quality"}),
    ("/keys", {"agent": "drafty"}, {"agent": "drafty", "name": "laptop"}),
    ("/recurring", {"title": "Weekly", "cron": "0 9 * * 1"}, {"title": "Weekly", "cron": "0 9 * * 2"}),
    ("/freeze", {"reason": "Stop."}, {"reason": "Halt."}),
    ("/tasks/T-1/freeze", {"reason": "Stop."}, {"reason": "Halt."}),
    ("/agents/writer/pause", {"reason": "Lunch."}, {"reason": "Dinner."}),
]


@pytest.mark.parametrize(("path", "body", "other"), MUTATIONS, ids=[path for path, _, _ in MUTATIONS])
async def test_a_repeat_is_answered_again_and_another_body_refused(script, writer, path, body, other):
    await script.post("/tasks", {"title": "One"})
    first, again = [await script.post(path, body, idempotency_key="1") for _ in range(2)]
    mismatch = await script.post(path, other, idempotency_key="1")
    assert first.status_code in {200, 201}, first.text
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert (mismatch.status_code, mismatch.json()["code"]) == (422, "idempotency_mismatch")


async def test_a_repeat_does_not_undo_what_came_in_between(script, writer):
    await script.post("/agents/writer/pause", {"reason": "Lunch."}, idempotency_key="1")
    await script.post("/agents/writer/resume")
    await script.post("/agents/writer/pause", {"reason": "Lunch."}, idempotency_key="1")
    (agent,) = (await script.get("/agents")).json()["agents"]
    assert agent["is_paused"] is False


async def test_what_was_refused_may_be_corrected_under_the_same_key(script):
    refused = await script.post("/teams", {"handle": "qa", "members": ["nobody"]}, idempotency_key="1")
    assert refused.status_code == 422
    assert (await script.post("/teams", {"handle": "qa"}, idempotency_key="1")).status_code == 200


async def test_a_revoked_key_is_revoked_once(script):
    await script.post("/keys", {"agent": "drafty"})
    key_id = (await script.get("/keys")).json()["keys"][-1]["key_id"]
    answers = [(await script.ask("DELETE", f"/keys/{key_id}", idempotency_key="1")).status_code for _ in range(2)]
    assert answers == [204, 204]


async def test_a_repeated_key_is_nowhere_to_be_read(script, database):
    made = [(await script.post("/keys", {"agent": "drafty"}, idempotency_key="1")).json()["key"] for _ in range(2)]
    other = (await script.post("/keys", {"agent": "drafty"}, idempotency_key="2")).json()["key"]
    assert made[0] == made[1] != other
    assert len((await script.get("/keys")).json()["keys"]) == 3
    async with database.reading() as session:
        answers = (await session.execute(table_of(AnsweredRequest).select())).all()
    assert made[0] not in str(answers)


async def test_answers_are_forgotten_after_a_day(script, database, clock):
    await script.post("/teams", {"handle": "qa"}, idempotency_key="1")
    clock.ms += 24 * 3600 * 1000 + 1
    await script.post("/teams", {"handle": "ops"}, idempotency_key="2")
    async with database.reading() as session:
        assert len((await session.execute(table_of(AnsweredRequest).select())).all()) == 1


@pytest.mark.parametrize("key", ["", "with space", "x" * 201])
async def test_an_odd_idempotency_key_is_refused(script, key):
    answer = await script.post("/tasks", {"title": "One"}, idempotency_key=key)
    assert answer.status_code == 422
