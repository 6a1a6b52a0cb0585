"""An agent written for AgentCenter, word for word as its public pages tell, works here by changing its URL."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from pointsman.contract import KeyKind

from controlplane.access.keys import create_key
from controlplane.agentcenter.app import create_agentcenter
from controlplane.agentcenter.moves import SILENCE_SECONDS
from controlplane.api import ApiDeps
from controlplane.domain.commands import ReviewDeliverable
from controlplane.domain.state import RunState, TaskStatus
from controlplane.feed.feed import Feed
from controlplane.store.database import open_calls


@pytest.fixture
async def http(settings, database, engine, clock, service) -> AsyncIterator[httpx2.AsyncClient]:
    calls = open_calls(settings)
    async with Feed(database).running() as feed:
        deps = ApiDeps(settings, database, calls, engine, feed, service.blobs, clock, service.master_key)
        transport = httpx2.ASGITransport(create_agentcenter(deps))
        async with httpx2.AsyncClient(transport=transport, base_url="http://pointsman.test") as client:
            yield client
    await calls.close()


@pytest.fixture
async def agent(http, database, admin):
    """Speaks with the workspace's key and its own id, as those agents do."""
    async with database.transaction() as session:
        key = await create_key(session, KeyKind.ADMIN, admin.workspace_id, "workspace", 1)
    http.headers["authorization"] = f"Bearer {key}"
    met = await http.post("/events/ingest", json={"type": "identity_sync", "agent": {"name": "Drafty"}})
    agent_id = met.json()["agent_id"]

    async def send(method: str, path: str, **body) -> httpx2.Response:
        return await http.request(method, path, json={"agent_id": agent_id, **body})

    send.agent_id = agent_id
    return send


async def create(service, admin, title: str = "Write it", **options) -> str:
    state = await service.create_task(admin.actor, f"create {title}", admin.workspace_id, None, title, **options)
    return state.task_id


async def test_the_whole_loop_from_heartbeat_to_approval(service, engine, admin, agent, http):
    task_id = await create(service, admin, priority=1, brief="In a page.")
    beat = (await agent("POST", "/events/ingest", type="heartbeat", status="idle")).json()
    assert (beat["has_work"], beat["paused"], beat["work_items"]) == (True, False, [{"id": task_id, "ref": "T-1"}])
    (free,) = (await http.get("/tasks", params={"status": "inbox"})).json()["tasks"]
    assert (free["id"], free["priority"], free["description"]) == (task_id, "urgent", "In a page.")
    taken = await agent("PATCH", f"/tasks/{task_id}", status="in_progress")
    assert (taken.status_code, taken.json()["status"]) == (200, "in_progress")
    assert taken.json()["run"]["gateway_url"].startswith("http://")
    mine = (await http.get("/tasks", params={"assignee": "drafty"})).json()
    assert [task["ref"] for task in mine["tasks"]] == ["T-1"]
    made = await agent("POST", f"/tasks/{task_id}/deliverables", title="Draft", kind="markdown", content="# It")
    assert (made.status_code, made.json()["version"], made.json()["task"]["status"]) == (201, 1, "review")
    await service.execute(admin.actor, "no", task_id, ReviewDeliverable(1, "request_changes", "Shorter."))
    again = (await agent("PATCH", f"/tasks/{task_id}", status="in_progress")).json()
    assert again["feedback"] == "Shorter."
    revised = await agent("PATCH", f"/tasks/{task_id}/deliverables/v1", kind="markdown", content="# Short")
    assert revised.json()["version"] == 2
    await service.execute(admin.actor, "yes", task_id, ReviewDeliverable(2, "approve"))
    assert (await agent("PATCH", f"/tasks/{task_id}", status="done")).status_code == 200
    assert engine.tasks[task_id].status is TaskStatus.DONE


async def test_its_run_may_be_silent_for_three_wakes(service, engine, admin, agent):
    task_id = await create(service, admin)
    await agent("PATCH", f"/tasks/{task_id}", status="in_progress")
    assert engine.tasks[task_id].live_run.silence_seconds == SILENCE_SECONDS == 3 * 15 * 60


async def test_a_heartbeat_keeps_the_leases_of_its_runs(service, engine, admin, agent):
    task_id = await create(service, admin)
    await agent("PATCH", f"/tasks/{task_id}", status="in_progress")
    await agent("POST", "/events/ingest", type="heartbeat", message="reading")
    assert engine.beats == [(task_id, 1)]


async def test_done_is_for_people_to_say(service, admin, agent):
    task_id = await create(service, admin)
    await agent("PATCH", f"/tasks/{task_id}", status="in_progress")
    refused = await agent("PATCH", f"/tasks/{task_id}", status="done")
    assert (refused.status_code, refused.json()["code"]) == (409, "illegal_transition")
    assert refused.json()["detail"] == "T-1 is done when a person approves it."


async def test_two_agents_never_get_one_task(service, admin, agent, http):
    task_id = await create(service, admin)
    await http.post("/events/ingest", json={"type": "identity_sync", "agent": {"name": "Other"}})
    assert (await agent("PATCH", f"/tasks/{task_id}", status="in_progress")).status_code == 200
    other = await http.patch(f"/tasks/{task_id}", json={"agent_id": "other", "status": "in_progress"})
    assert other.status_code == 409


async def test_a_blocked_agent_lets_go_and_a_person_sees_for_what_it_waits(service, engine, admin, agent, http):
    task_id = await create(service, admin)
    await agent("PATCH", f"/tasks/{task_id}", status="in_progress")
    await agent("POST", "/events/ingest", type="blocked", task_id=task_id, reason="the figures are missing")
    state = engine.tasks[task_id]
    assert state.holds["external"].reason == "the figures are missing"
    assert state.runs[-1].state is RunState.RELEASED
    assert (await http.get(f"/tasks/{task_id}")).json()["status"] == "blocked"


async def test_a_file_comes_in_three_steps(service, engine, admin, agent, http):
    task_id = await create(service, admin)
    await agent("PATCH", f"/tasks/{task_id}", status="in_progress")
    began = await agent(
        "POST", f"/tasks/{task_id}/deliverables", kind="file", file_name="a.bin", content_type="image/png", size=5
    )
    put = await http.put(began.json()["upload_url"].partition("/api")[2], content=b"12345")
    assert put.status_code == 204
    done = await agent("POST", f"/tasks/{task_id}/deliverables/{began.json()['id']}/confirm", title="Picture")
    assert (done.status_code, done.json()["kind"]) == (201, "file")
    assert engine.tasks[task_id].deliverables[-1].name == "a.bin"


async def test_an_agents_own_key_needs_no_agent_id(service, database, admin, http, agent):
    task_id = await create(service, admin)
    async with database.transaction() as session:
        key = await create_key(session, KeyKind.AGENT, admin.workspace_id, "own", 1, agent.agent_id)
    own = {"authorization": f"Bearer {key}"}
    taken = await http.patch(f"/tasks/{task_id}", json={"status": "in_progress"}, headers=own)
    assert taken.json()["assignee"] == "drafty"
    mine = await http.get("/tasks", params={"assignee": "me"}, headers=own)
    assert mine.json()["total"] == 1


async def test_a_message_is_a_comment(service, admin, agent):
    task_id = await create(service, admin)
    said = await agent("POST", f"/tasks/{task_id}/messages", content="@admin which tone?")
    assert said.status_code == 201
    again = await agent("POST", f"/tasks/{task_id}/messages", content="")
    assert (again.status_code, again.json()["code"]) == (422, "invalid_request")


@pytest.mark.parametrize("body", [b"[1]", b"{", b'{"events": []}', b'{"events": [1]}'])
async def test_what_is_no_event_is_refused_in_words(agent, http, body):
    answer = await http.post("/events/ingest", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


async def test_a_workspaces_key_without_an_agent_is_told_so(service, admin, agent, http):
    task_id = await create(service, admin)
    answer = await http.patch(f"/tasks/{task_id}", json={"status": "in_progress"})
    assert "agent_id" in answer.json()["detail"]


async def test_the_heartbeat_page_names_address_and_agent_but_no_key(agent, http):
    page = (await http.get("/agents/drafty/HEARTBEAT.md")).text
    assert agent.agent_id in page
    assert "$POINTSMAN_KEY" in page
    assert "pm_" not in page
