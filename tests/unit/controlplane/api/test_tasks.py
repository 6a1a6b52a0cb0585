"""`/tasks`: created, decided and read with one script's key."""

import pytest

from controlplane.store.call_tables import Call
from controlplane.store.tables import RunUsage


async def create(script, title="Write it", **body):
    response = await script.post("/tasks", {"title": title, **body})
    assert response.status_code == 201, response.text
    return response.json()


async def submitted(script, writer, content="# Draft"):
    """A task in review, and its offer."""
    await create(script, needs=["draft"])
    offer = (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()
    run = writer.with_key(offer["run"]["key"])
    await run.post(f"/runs/{offer['run']['run_id']}/submit", {"content": content, "title": "Draft"})
    return offer


async def test_a_created_task_is_described_whole(script):
    await create(script, "First")
    task = await create(script, brief="Do it well.", needs=["Draft"], priority=2, blockers=["T-1"], backlog=True)
    assert task.pop("task_id").startswith("t_")
    first = (await script.get("/tasks/T-1")).json()
    assert task == {
        "ref": "T-2",
        "title": "Write it",
        "brief": "Do it well.",
        "status": "backlog",
        "agent": None,
        "needs": ["draft"],
        "priority": 2,
        "project_id": task["project_id"],
        "parent": None,
        "subtasks": None,
        "is_blocked": True,
        "blockers": [{"task_id": first["task_id"], "ref": "T-1", "state": "open"}],
        "holds": [],
        "changes_requested": False,
        "needs_human": None,
        "review": {
            "reviewers": [],
            "needed": 1,
            "first_pass": None,
            "waits_for_first_pass": False,
            "approvals": [],
            "missing": 1,
            "can_approve": [],
            "problem": None,
        },
        "clarification": None,
        "question": None,
        "upstream_changed": [],
        "avoids": [],
        "run": None,
        "checkpoint": None,
        "versions": [],
        "usage": {
            "calls": 0,
            "tool_calls": 0,
            "errors": 0,
            "unknown_calls": 0,
            "input_tokens": 0,
            "cache_read_tokens": 0,
            "cache_write_tokens": 0,
            "output_tokens": 0,
            "cost_nano_usd": 0,
            "live_cost_nano_usd": 0,
            "live_calls": 0,
            "bound_nano_usd": 0,
            "is_simulated": False,
        },
        "costs": {"total_nano_usd": 0, "wait_nano_usd": 0, "failed_nano_usd": 0},
        "revision": 1,
        "created_by": "script",
        "created_at": "1970-01-01T00:16:40.000Z",
        "updated_at": "1970-01-01T00:16:40.000Z",
        "closed_at": None,
        "board_url": "http://127.0.0.1:8080/tasks/T-2",
    }


async def test_the_same_idempotency_key_makes_one_task_but_each_client_has_its_own(script, writer):
    one = await script.post("/tasks", {"title": "A"}, idempotency_key="1")
    again = await script.post("/tasks", {"title": "A"}, idempotency_key="1")
    other = await writer.post("/tasks", {"title": "B"}, idempotency_key="1")
    assert one.json() == again.json()
    assert other.json()["ref"] == "T-2"


async def test_a_used_idempotency_key_with_another_body_is_refused_and_changes_nothing(script):
    await script.post("/tasks", {"title": "A"}, idempotency_key="1")
    await script.post("/tasks/T-1/edit", {"title": "B"}, idempotency_key="2")
    await script.post("/tasks/T-1/comments", {"text": "Well."}, idempotency_key="3")
    await script.post("/tasks/T-1/cancel", {"reason": "Too late."}, idempotency_key="4")
    refused = [
        await script.post("/tasks", {"title": "C"}, idempotency_key="1"),
        await script.post("/tasks/T-1/edit", {"title": "C"}, idempotency_key="2"),
        await script.post("/tasks/T-1/comments", {"text": "Not well."}, idempotency_key="3"),
        await script.post("/tasks/T-1/cancel", {"reason": "Too dear."}, idempotency_key="4"),
    ]
    assert [(answer.status_code, answer.json()["code"]) for answer in refused] == [(422, "idempotency_mismatch")] * 4
    assert (await script.post("/tasks/T-1/edit", {"title": "B"}, idempotency_key="2")).status_code == 200
    assert [task["title"] for task in (await script.get("/tasks")).json()["tasks"]] == ["B"]


async def test_a_key_whose_request_was_refused_may_be_used_for_the_corrected_one(script):
    assert (await script.post("/tasks", {"title": "  "}, idempotency_key="1")).status_code == 422
    assert (await script.post("/tasks", {"title": "A"}, idempotency_key="1")).status_code == 201


async def test_a_text_that_the_engine_could_not_carry_is_refused_with_its_limit(script):
    fits = await script.post("/tasks", {"title": "A", "brief": "x" * 100_000})
    refused = await script.post("/tasks", {"title": "B", "brief": "\N{GRINNING FACE}" * 100_000})
    assert fits.status_code == 201
    assert (refused.status_code, refused.json()["code"]) == (413, "request_too_large")
    assert "256 KiB" in refused.json()["detail"]


async def test_a_cursor_beyond_every_number_is_refused(script):
    assert (await script.get("/tasks?cursor=9999999999999999999999")).status_code == 422


async def test_a_task_goes_from_the_queue_through_review_to_done(script, writer):
    await submitted(script, writer)
    task = (await script.get("/tasks/T-1")).json()
    assert (task["status"], task["agent"], task["run"]) == ("in_review", "writer", None)
    assert (await script.get("/tasks/T-1/deliverables/1/content")).text == "# Draft"
    changed = await script.post("/tasks/T-1/review", {"verdict": "request_changes", "note": "Shorter"})
    assert (changed.json()["status"], changed.json()["changes_requested"]) == ("in_progress", True)
    offer = (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()
    assert (offer["review_note"], offer["previous_version_text"]) == ("Shorter", "# Draft")
    run = writer.with_key(offer["run"]["key"])
    assert (await run.post(f"/runs/{offer['run']['run_id']}/submit", {"content": "#"})).json() == {"version": 2}
    done = (await script.post("/tasks/T-1/review", {"verdict": "approve"})).json()
    assert done["status"] == "done"
    assert [(version["version"], version["verdict"], version["note"]) for version in done["versions"]] == [
        (1, "request_changes", "Shorter"),
        (2, "approve", ""),
    ]


async def test_verbs_of_a_person_change_the_task(script, writer):
    await create(script)
    await create(script, "Other")
    edited = await script.post("/tasks/T-1/edit", {"title": "Better", "priority": 1})
    assert (edited.json()["title"], edited.json()["priority"]) == ("Better", 1)
    assert (await script.post("/tasks/T-1/assign", {"agent": "writer"})).json()["agent"] == "writer"
    assert (await script.post("/tasks/T-1/move", {"to": "backlog"})).json()["status"] == "backlog"
    assert (await script.post("/tasks/T-1/blockers", {"tasks": ["T-2"]})).json()["is_blocked"] is True
    assert (await script.ask("DELETE", "/tasks/T-1/blockers/T-2")).json()["is_blocked"] is False
    assert (await script.post("/tasks/T-1/cancel", {"reason": "no"})).json()["status"] == "cancelled"
    assert (await script.post("/tasks/T-2/cancel")).json()["status"] == "cancelled"


async def test_tasks_are_listed_newest_first_in_pages(script):
    for number in range(5):
        await create(script, f"Task {number}")
    first = (await script.get("/tasks?limit=2")).json()
    second = (await script.get(f"/tasks?limit=2&cursor={first['next_cursor']}")).json()
    last = (await script.get(f"/tasks?limit=2&cursor={second['next_cursor']}")).json()
    refs = [[task["ref"] for task in page["tasks"]] for page in (first, second, last)]
    assert refs == [["T-5", "T-4"], ["T-3", "T-2"], ["T-1"]]
    assert last["next_cursor"] is None


async def test_tasks_are_filtered_by_status(script):
    await create(script, "Waits", backlog=True)
    await create(script, "Ready")
    assert [task["title"] for task in (await script.get("/tasks?status=backlog")).json()["tasks"]] == ["Waits"]


async def test_the_cost_of_a_task_is_the_sum_of_its_runs(script, database):
    task_id = (await create(script))["task_id"]
    async with database.transaction() as session:
        for run_id, cost in (("r_1", 3), ("r_2", 4)):
            session.add(
                RunUsage(
                    run_id=run_id, workspace_id="w", task_id=task_id, calls=1, cost_nano_usd=cost, is_simulated=True
                )
            )
    usage = (await script.get("/tasks/T-1")).json()["usage"]
    assert (usage["calls"], usage["cost_nano_usd"], usage["is_simulated"]) == (2, 7, True)


async def test_calls_are_listed_newest_first(script, calls):
    task_id = (await create(script))["task_id"]
    async with calls.transaction() as session:
        for number in (1, 2):
            session.add(
                Call(
                    call_id=f"c_{number}",
                    workspace_id="w",
                    kind="model",
                    started_at_ns=number * 10**9,
                    ended_at_ns=number * 10**9 + 5_000_000,
                    key_id="k",
                    task_id=task_id,
                    provider="openai",
                    model="gpt-5-mini",
                    dialect="openai",
                    endpoint="/v1/chat/completions",
                    outcome="ok",
                    cost_nano_usd=123,
                )
            )
    listed = (await script.get("/tasks/T-1/calls")).json()["calls"]
    assert [(call["call_id"], call["cost_nano_usd"], call["ended_at"]) for call in listed] == [
        ("c_2", 123, "1970-01-01T00:00:02.005Z"),
        ("c_1", 123, "1970-01-01T00:00:01.005Z"),
    ]


async def test_the_activity_tells_what_happened_and_what_was_said(script, writer, clock):
    await submitted(script, writer)
    clock.ms += 1
    assert (await writer.post("/tasks/T-1/comments", {"text": "Please look, @admin."})).status_code == 201
    activity = (await script.get("/tasks/T-1/activity")).json()["activity"]
    assert [(one["kind"], one["actor"]["name"]) for one in activity] == [
        ("task_created", "script"),
        ("run_started", "writer"),
        ("deliverable_submitted", "writer"),
        ("comment", "writer"),
    ]
    assert activity[3]["text"] == "Please look, @admin."


@pytest.mark.parametrize("path", ["/tasks/T-1/deliverables/2", "/tasks/T-9", "/tasks/T-9/calls", "/tasks/T-9/activity"])
async def test_what_is_not_there_is_404(script, writer, path):
    await submitted(script, writer)
    response = await script.get(path)
    assert (response.status_code, response.json()["code"]) == (404, "not_found")
