"""Agents, teams, freezes, the inbox, recurring tasks: the workspace by JSON."""

from controlplane.store.tables import Incident, RunUsage


async def claimed(script, writer):
    await script.post("/tasks", {"title": "Write it"})
    return (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()


async def test_an_agent_is_made_from_a_role_and_changed(script):
    made = (await script.post("/agents", {"name": "Drafty", "template": "writer", "max_concurrency": 4})).json()
    assert (made["name"], made["template"], made["max_concurrency"]) == ("drafty", "writer", 4)
    assert "writing" in made["capabilities"]
    edited = (await script.post("/agents/drafty/edit", {"capabilities": ["Verse"]})).json()
    assert (edited["capabilities"], edited["max_concurrency"]) == (["verse"], 4)
    assert (await script.post("/agents/drafty/retire")).json()["retired_at"] == "1970-01-01T00:16:40.000Z"
    assert (await script.post("/agents", {"name": "x", "template": "nobody"})).status_code == 422
    assert (await script.post("/agents/nobody/pause")).status_code == 404


async def test_a_workspace_makes_roles_of_its_own_but_changes_no_built_in_one(script):
    made = await script.post("/agent-templates", {"name": "Poet", "capabilities": ["Verse"], "max_concurrency": 2})
    assert (made.json()["name"], made.json()["is_built_in"]) == ("poet", False)
    agent = (await script.post("/agents", {"name": "rhymer", "template": "poet"})).json()
    assert (agent["capabilities"], agent["max_concurrency"]) == (["verse"], 2)
    assert (await script.post("/agent-templates", {"name": "writer"})).status_code == 422


async def test_a_frozen_task_agent_and_workspace_stand_still_until_they_thaw(script, writer):
    offer = await claimed(script, writer)
    task_id = offer["task"]["task_id"]
    assert (await script.post("/tasks/T-1/freeze", {"reason": "It deletes things."})).json() == {"task_ids": [task_id]}
    assert (await script.get("/tasks/T-1")).json()["run"]["state"] == "paused"
    await script.post("/agents/writer/freeze", {"reason": "All it does is wrong."})
    await script.post("/freeze", {"reason": "Everybody out."})
    freezes = (await script.get("/freezes")).json()["freezes"]
    assert sorted((one["scope"], one["subject"]) for one in freezes) == [
        ("agent", "writer"),
        ("task", "T-1"),
        ("workspace", ""),
    ]
    (agent,) = (await script.get("/agents")).json()["agents"]
    assert agent["is_frozen"] is True
    for path in ("/tasks/T-1/thaw", "/agents/writer/thaw", "/thaw"):
        assert (await script.post(path)).status_code == 200
    assert (await script.get("/freezes")).json()["freezes"] == []
    assert (await script.get("/tasks/T-1")).json()["run"]["state"] == "running"


async def test_a_mention_is_previewed_and_ends_in_an_inbox_and_a_note(script, writer):
    await script.post("/teams", {"handle": "qa", "name": "Quality", "members": ["admin", "writer"]})
    preview = (await script.post("/mentions/preview", {"text": "@qa, @admin and @nobody, look."})).json()
    assert [one["name"] for one in preview["people"]] == ["Admin"]
    assert ([one["name"] for one in preview["agents"]], preview["unknown"]) == (["writer"], ["nobody"])
    candidates = (await script.get("/mentions?q=q")).json()["candidates"]
    assert [(one["handle"], one["kind"]) for one in candidates] == [("qa", "team")]
    await script.post("/tasks", {"title": "Write it"})
    await script.post("/tasks/T-1/comments", {"text": "@qa, please look."})
    (notice,) = (await script.get("/inbox?user=admin")).json()["notices"]
    assert (notice["kind"], notice["ref"]) == ("mention", "T-1")
    (note,) = (await writer.get("/agents/me/notes")).json()["notes"]
    assert (await writer.post(f"/agents/me/notes/{note['note_id']}/resolve")).json() == {}
    assert (await writer.get("/agents/me/notes")).json()["notes"] == []
    assert (await writer.post("/agents/me/notes/n_other/resolve")).status_code == 404
    assert (await script.get("/inbox?user=nobody")).status_code == 404


async def test_a_team_has_exactly_the_members_it_is_given(script, writer):
    await script.post("/teams", {"handle": "qa", "members": ["admin"]})
    team = (await script.ask("PUT", "/teams/qa/members", {"members": ["writer"]})).json()
    assert [one["name"] for one in team["members"]] == ["writer"]
    assert (await script.ask("PUT", "/teams/ops/members", {"members": []})).status_code == 404
    assert (await script.post("/teams", {"handle": "admin"})).status_code == 422


async def test_the_first_stalled_task_of_a_chain_is_named_with_what_waits_behind_it(script):
    for title in ("Root", "Middle", "End"):
        await script.post("/tasks", {"title": title})
    await script.post("/tasks/T-2/blockers", {"tasks": ["T-1"]})
    await script.post("/tasks/T-3/blockers", {"tasks": ["T-2"]})
    (leaf,) = (await script.get("/stalled")).json()["stalled"]
    assert (leaf["ref"], leaf["tasks_behind"]) == ("T-1", ["T-2", "T-3"])


async def test_costs_tell_what_failed_and_what_was_spent_waiting(script, writer, database):
    offer = await claimed(script, writer)
    async with database.transaction() as session:
        session.add(
            RunUsage(
                run_id=offer["run"]["run_id"],
                workspace_id="w",
                task_id=offer["task"]["task_id"],
                calls=2,
                cost_nano_usd=10,
                wait_cost_nano_usd=4,
            )
        )
    await script.post("/tasks/T-1/move", {"to": "ready"})
    costs = (await script.get("/tasks/T-1/costs")).json()
    assert (costs["total_nano_usd"], costs["failed_nano_usd"], costs["waiting_nano_usd"]) == (10, 10, 4)
    view = (await script.get("/tasks/T-1")).json()["costs"]
    assert view == {"total_nano_usd": 10, "wait_nano_usd": 4, "failed_nano_usd": 10}


async def test_incidents_are_listed_and_the_open_ones_alone(script, database, admin):
    async with database.transaction() as session:
        for number, ended in ((1, None), (2, 5)):
            session.add(
                Incident(
                    incident_id=f"i_{number}",
                    workspace_id=admin.workspace_id,
                    kind="agents_lost",
                    text="3 agents fell silent.",
                    subject_ids=["r_1"],
                    started_at_ms=number,
                    updated_at_ms=number,
                    ended_at_ms=ended,
                )
            )
    assert [one["incident_id"] for one in (await script.get("/incidents")).json()["incidents"]] == ["i_2", "i_1"]
    assert [one["incident_id"] for one in (await script.get("/incidents?is_open=true")).json()["incidents"]] == ["i_1"]


async def test_a_recurring_task_runs_pauses_and_is_deleted(script):
    made = await script.post("/recurring", {"title": "Weekly", "cron": "0 9 * * 1", "template": {"priority": 2}})
    path = f"/recurring/{made.json()['recurring_id']}"
    ran = (await script.post(f"{path}/run", idempotency_key="1")).json()
    assert (ran["outcome"], ran["task"]["ref"]) == ("ran", "T-1")
    assert (await script.get("/tasks/T-1")).json()["priority"] == 2
    assert (await script.post(f"{path}/pause")).json()["is_paused"] is True
    assert (await script.post(f"{path}/resume")).json()["is_paused"] is False
    (occurrence,) = (await script.get(f"{path}/occurrences")).json()["occurrences"]
    assert occurrence["task"]["ref"] == "T-1"
    await script.post(f"{path}/delete")
    assert (await script.get("/recurring")).json()["recurring"] == []
    assert (await script.post("/recurring", {"title": "Odd", "cron": "never"})).status_code == 422


async def test_the_description_is_served_to_everybody(http):
    answer = await http.get("/openapi.json")
    assert answer.json()["openapi"] == "3.1.0"


async def test_a_method_that_a_path_does_not_know_is_405_and_says_which_it_knows(script):
    answer = await script.ask("DELETE", "/tasks")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
