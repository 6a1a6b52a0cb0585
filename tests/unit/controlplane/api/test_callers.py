"""Who may call what: the table in the description is the rule, for every operation and every kind of key."""

import pytest

from controlplane.api.app import openapi_document

OPERATIONS = [
    pytest.param(path, method.upper(), set(operation["x-callers"]), id=operation["operationId"])
    for path, methods in openapi_document()["paths"].items()
    for method, operation in methods.items()
]
NAMED = {"version": "1", "sha256": "0" * 64, "agent": "drafty", "handle": "qa", "blocker_ref": "T-1", "ref": "T-1"}


@pytest.fixture
def callers(script, writer, offer):
    return {"admin": script, "agent": writer, "run": writer.with_key(offer["run"]["key"])}


@pytest.mark.parametrize(("path", "method", "let_in"), OPERATIONS)
async def test_only_the_kinds_of_keys_that_are_named_are_let_in(callers, offer, path, method, let_in):
    for name in ("version", "sha256", "agent", "handle", "blocker_ref", "ref"):
        path = path.replace(f"{{{name}}}", NAMED[name])
    path = path.replace("{run_id}", offer["run"]["run_id"])
    path = path.replace("{", "").replace("}", "")  # what is left names nothing that exists
    for kind, caller in callers.items():
        # Not JSON of any body: whoever is let in gets no further than that, and changes nothing.
        answer = await caller.ask(method, path, body=[] if method in {"POST", "PUT"} else None, idempotency_key="1")
        is_refused = answer.status_code == 403
        assert is_refused is (kind not in let_in), (kind, answer.text)


async def test_a_run_reads_what_its_task_builds_on_and_nothing_else(script, writer):
    await script.post("/tasks", {"title": "Whole", "backlog": True})
    await script.post("/tasks", {"title": "Before"})
    await script.post("/tasks", {"title": "Mine", "parent": "T-1", "needs": ["draft"]})
    await script.post("/tasks", {"title": "Another", "backlog": True})
    await script.post("/tasks/T-2/cancel")
    await script.post("/tasks", {"title": "After", "blockers": ["T-3"]})
    offer = (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()
    assert offer["task"]["ref"] == "T-3"
    run = writer.with_key(offer["run"]["key"])
    part = await run.post(f"/runs/{offer['run']['run_id']}/subtasks", {"title": "Part"})
    await run.post("/tasks/T-3/blockers", {"tasks": ["T-4"]})
    seen = {ref: (await run.get(f"/tasks/{ref}")).status_code for ref in ("T-1", "T-3", "T-4", part.json()["ref"])}
    assert seen == {"T-1": 200, "T-3": 200, "T-4": 403, "T-6": 200}
    assert (await run.post("/tasks/T-3/comments", {"text": "Here."})).status_code == 201
    assert (await run.post("/tasks/T-1/comments", {"text": "There."})).status_code == 403
    assert (await run.get("/tasks")).status_code == 403


async def test_a_run_that_has_ended_is_told_so_and_not_let_in(script, writer, callers):
    await script.post("/tasks/T-1/cancel")
    answer = await callers["run"].get("/tasks/T-1")
    assert (answer.status_code, answer.json()["code"]) == (409, "lease_lost")


async def test_an_agent_sets_neither_its_role_nor_its_limits(writer):
    for body in ({"max_concurrency": 9}, {"template": "coder"}):
        assert (await writer.post("/agents", {"name": "writer", **body})).status_code == 403
