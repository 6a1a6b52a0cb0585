"""What people decide about tasks, by JSON."""

import pytest

from controlplane.domain.commands import LoseRun
from controlplane.domain.state import Actor, ActorKind
from controlplane.store.tables import User


async def submit(run, path, content="# Draft"):
    return await run.post(f"{path}/submit", {"content": content})


async def test_the_etag_of_a_task_is_its_revision_and_guards_an_edit(script):
    await script.post("/tasks", {"title": "One"})
    seen = (await script.get("/tasks/T-1")).headers["etag"]
    assert seen == '"1"'
    edited = await script.post("/tasks/T-1/edit", {"title": "Two"}, if_match=seen)
    assert (edited.status_code, edited.headers["etag"]) == (200, '"2"')
    late = await script.post("/tasks/T-1/edit", {"title": "Three"}, if_match=seen)
    assert (late.status_code, late.json()["code"], late.json()["revision"]) == (412, "revision_mismatch", 2)
    assert (await script.post("/tasks/T-1/edit", {"title": "Four"}, if_match="*")).status_code == 200


@pytest.mark.parametrize("tag", ["1", 'W/"1"', '"1", "2"', '"x"', '""'])
async def test_an_if_match_that_is_no_tag_of_ours_is_refused(script, tag):
    await script.post("/tasks", {"title": "One"})
    answer = await script.post("/tasks/T-1/edit", {"title": "Two"}, if_match=tag)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_repeated_edit_is_the_same_although_its_tag_is_old_by_now(script):
    await script.post("/tasks", {"title": "One"})
    answers = [
        await script.post("/tasks/T-1/edit", {"title": "Two"}, if_match='"1"', idempotency_key="1") for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [200, 200]


async def test_holds_of_several_kinds_stand_side_by_side_and_go_one_by_one(script, run, path):
    await script.post("/tasks/T-1/hold", {"reason": "Wait for the logo."})
    held = (await script.post("/tasks/T-1/hold", {"kind": "budget", "reason": "No money."})).json()
    assert [(hold["kind"], hold["reason"], hold["by"]) for hold in held["holds"]] == [
        ("operator", "Wait for the logo.", "script"),
        ("budget", "No money.", "script"),
    ]
    assert held["run"]["state"] == "paused"
    beat = (await run.post(f"{path}/beat")).json()
    assert [one["kind"] for one in beat["directives"]] == ["pause"]
    left = (await script.post("/tasks/T-1/resume")).json()
    assert [hold["kind"] for hold in left["holds"]] == ["budget"]
    assert (await script.post("/tasks/T-1/resume", {"kind": "budget"})).json()["run"]["state"] == "running"
    assert (await script.post("/tasks/T-1/hold", {"kind": "freeze"})).status_code == 422


async def test_a_nudge_is_told_once_at_the_next_beat(script, run, path):
    await script.post("/tasks/T-1/nudge", {"note": "The numbers are in the wiki."})
    beats = [(await run.post(f"{path}/beat")).json()["directives"] for _ in range(2)]
    assert beats == [[{"kind": "nudge", "text": "The numbers are in the wiki."}], []]


@pytest.mark.parametrize("is_taken_over", [False, True])
async def test_a_lost_run_that_beats_again_goes_on_unless_somebody_took_over(
    script, run, path, service, offer, is_taken_over
):
    lose = LoseRun(offer["run"]["run_id"], 1, "fell silent")
    await service.send(Actor(ActorKind.SYSTEM, "watch"), "lose", offer["task"]["task_id"], lose)
    if is_taken_over:
        second = script.with_key((await script.post("/keys", {"agent": "second"})).json()["key"])
        assert (await second.post("/agents/me/next", {"wait_seconds": 0})).status_code == 200
    assert (await run.post(f"{path}/beat")).status_code == (409 if is_taken_over else 200)
    task = (await script.get("/tasks/T-1")).json()
    assert task["run"]["agent"] == ("second" if is_taken_over else "writer")


async def test_a_task_is_given_up_called_done_and_wanted_again(script, run, path):
    assert (await script.post("/tasks/T-1/fail", {"reason": "Too hard."})).json()["status"] == "failed"
    assert (await script.post("/tasks/T-1/reopen")).json()["status"] == "ready"
    assert (await script.post("/tasks/T-1/complete", {"reason": "Good enough."})).json()["status"] == "done"
    again = await script.post("/tasks/T-1/complete")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_transition")


async def test_a_restart_ends_the_run_and_the_next_one_finds_its_checkpoint(script, writer, run, path):
    assert (await run.get(f"{path}/checkpoint")).status_code == 204
    saved = await run.ask("PUT", f"{path}/checkpoint", {"state": {"chapter": 3}, "note": "Half."})
    assert saved.status_code == 200, saved.text
    assert (await script.get("/tasks/T-1")).json()["checkpoint"]["note"] == "Half."
    assert (await script.post("/tasks/T-1/restart", {"reason": "In circles."})).json()["run"] is None
    second = (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()["run"]
    found = (await writer.with_key(second["key"]).get(f"/runs/{second['run_id']}/checkpoint")).json()
    assert (found["state"], found["note"]) == ({"chapter": 3}, "Half.")
    packet = (await writer.with_key(second["key"]).get(f"/runs/{second['run_id']}/handoff")).json()
    assert (packet["goal"], [one["agent"] for one in packet["earlier"]]) == ("Write it", ["writer"])


@pytest.mark.parametrize(
    ("content", "media_type", "status"),
    [(b"\x00\x01", "application/octet-stream", 200), (b"{nope", "application/json", 400), (b"x", "text/plain", 422)],
)
async def test_a_checkpoint_is_json_or_bytes(http, run, path, content, media_type, status):
    headers = {"authorization": f"Bearer {run.key}", "content-type": media_type}
    assert (await http.put(f"{path}/checkpoint", content=content, headers=headers)).status_code == status


async def test_several_review_and_the_view_says_who_has_and_who_can(script, run, path, database, admin):
    async with database.transaction() as session:
        for name in ("anna", "ben"):
            session.add(
                User(
                    user_id=f"u_{name}",
                    workspace_id=admin.workspace_id,
                    email=f"{name}@example.com",
                    name=name.title(),
                    handle=name,
                    created_at_ms=1,
                )
            )
    set_up = await script.post("/tasks/T-1/reviewers", {"reviewers": ["@anna", "@ben"], "needed": "all"})
    assert (set_up.json()["review"]["needed"], set_up.json()["review"]["missing"]) == (2, 2)
    await submit(run, path)
    review = (await script.get("/tasks/T-1")).json()["review"]
    assert [one["name"] for one in review["can_approve"]] == ["Anna", "Ben"]
    answer = await script.post("/tasks/T-1/review", {"verdict": "approve"})
    assert (answer.status_code, answer.json()["reviewers"]) == (403, ["Anna", "Ben"])
    assert (await script.post("/tasks/T-1/reviewers", {"reviewers": ["@nobody"]})).status_code == 422


async def test_an_agent_that_is_asked_reviews_what_it_did_not_make(script, writer, run, path):
    key = (await script.post("/keys", {"agent": "critic"})).json()["key"]
    critic = script.with_key(key)
    await script.post("/tasks/T-1/reviewers", {"reviewers": ["critic"]})
    await submit(run, path)
    (note,) = (await critic.get("/agents/me/notes")).json()["notes"]
    assert (note["kind"], note["ref"], note["version"]) == ("review", "T-1", 1)
    assert (await writer.post("/tasks/T-1/review", {"verdict": "approve"})).status_code == 403
    assert (await critic.post("/tasks/T-1/review", {"verdict": "approve"})).json()["status"] == "done"
    assert (await critic.get("/agents/me/notes")).json()["notes"] == []


async def test_late_work_is_adopted_or_discarded(script, writer, run, path):
    await script.post("/tasks/T-1/move", {"to": "ready"})
    for content in ("# One", "# Two"):
        assert (await submit(run, path, content)).json()["code"] == "lease_lost"
    one, two = (await script.get("/tasks/T-1/late")).json()["late"]
    late = {"run_id": one["run"]["run_id"], "sha256": one["sha256"]}
    adopted = (await script.post("/tasks/T-1/late/adopt", late)).json()
    assert (adopted["status"], [one["version"] for one in adopted["versions"]]) == ("in_review", [1])
    assert (await script.post("/tasks/T-1/late/discard", late | {"sha256": two["sha256"]})).json() == {}
    assert (await script.post("/tasks/T-1/late/discard", late | {"sha256": "0" * 64})).status_code == 404


@pytest.mark.parametrize(
    ("question", "wrong", "right", "heard"),
    [
        ({"kind": "choice", "choices": ["calm", "bold"]}, {"value": "loud"}, {"value": "bold"}, "bold"),
        ({"kind": "approval"}, {"text": "yes"}, {"value": True}, True),
        (
            {"kind": "form", "form": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}},
            {"value": {"n": "many"}},
            {"value": {"n": 3}},
            {"n": 3},
        ),
    ],
    ids=["choice", "approval", "form"],
)
async def test_a_typed_question_takes_only_what_fits(script, run, path, question, wrong, right, heard):
    asked = (await run.post(f"{path}/ask", {"text": "Which?", "expires_in_seconds": 60, **question})).json()
    shown = (await script.get("/tasks/T-1")).json()["question"]
    assert (shown["kind"], shown["expires_at"]) == (question["kind"], "1970-01-01T00:17:40.000Z")
    assert (await script.post("/tasks/T-1/answer", wrong)).status_code == 422
    assert (await script.post("/tasks/T-1/answer", right)).json()["question"] is None
    answer = (await run.get(f"{path}/answer/{asked['question_id']}")).json()
    assert answer == {"answer": heard, "outcome": "answered"}


async def test_a_run_that_is_blocked_lets_go_until_the_tasks_are_done(script, run, path):
    await script.post("/tasks", {"title": "First"})
    blocked = await run.post(f"{path}/blocked", {"on": "task", "text": "Needs figures.", "tasks": ["T-2"]})
    assert blocked.json() == {"question_id": None}
    task = (await script.get("/tasks/T-1")).json()
    assert (task["run"], task["is_blocked"]) == (None, True)
    why = (await script.get("/tasks/T-1/why")).json()["reasons"]
    assert why[0]["code"] == "blocked"
    links = (await script.get("/tasks/T-1/chain")).json()["links"]
    assert [(link["ref"], link["depth"], link["is_leaf"]) for link in links] == [("T-1", 0, False), ("T-2", 1, True)]


async def test_parts_count_for_their_parent_and_go_with_it(script, run, path):
    for title in ("One", "Two"):
        part = await run.post(f"{path}/subtasks", {"title": title})
        assert (part.status_code, part.json()["parent"]["ref"]) == (201, "T-1")
    await script.post("/tasks/T-2/complete")
    assert (await script.get("/tasks/T-1")).json()["subtasks"] == {"total": 2, "done": 1, "closed": 1}
    assert [task["ref"] for task in (await script.get("/tasks/T-1/subtasks")).json()["tasks"]] == ["T-2", "T-3"]
    assert [task["ref"] for task in (await script.get("/tasks?parent=T-1")).json()["tasks"]] == ["T-3", "T-2"]
    await script.post("/tasks/T-1/cancel", {"with_subtasks": True})
    assert (await script.get("/tasks/T-3")).json()["status"] == "cancelled"


@pytest.mark.parametrize(
    ("query", "refs"),
    [
        ("status=ready", ["T-2"]),
        ("agent=writer", ["T-1"]),
        ("agent=nobody", []),
        ("blocked=true", ["T-3"]),
        ("needs_human=true", []),
        ("q=wri", ["T-1"]),
        ("q=T-3", ["T-3"]),
        ("q=%25", []),
        ("status=ready&q=other", ["T-2"]),
    ],
)
async def test_filters_of_the_list_join(script, offer, query, refs):
    await script.post("/tasks", {"title": "Other"})
    await script.post("/tasks", {"title": "Blocked", "backlog": True, "blockers": ["T-2"]})
    assert [task["ref"] for task in (await script.get(f"/tasks?{query}")).json()["tasks"]] == refs
