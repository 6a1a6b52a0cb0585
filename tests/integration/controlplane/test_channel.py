"""The agent's WebSocket, over a real connection."""

import asyncio
import json
from typing import Any

import pytest
from pointsman.contract import API_PREFIX
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from controlplane.access.callers import authenticate
from controlplane.access.keys import revoke_key


def channel(served, key: str | None = None):
    return connect(
        served.url.replace("http", "ws") + API_PREFIX + "/agents/me/channel",
        additional_headers={"authorization": f"Bearer {key or served.agent_key}"},
        proxy=None,
    )


async def hear(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(3):
        return json.loads(await socket.recv())


async def claim(served) -> dict[str, Any]:
    return (await served.post("/agents/me/next", {"wait_seconds": 0}, served.agent_key)).json()


@pytest.mark.parametrize("key", ["wrong", "admin"])
async def test_only_an_agents_key_opens_a_channel(served, key):
    with pytest.raises(InvalidStatus) as no:
        async with channel(served, served.admin_key if key == "admin" else key):
            pass
    assert no.value.response.status_code == 403


async def test_work_is_announced_when_it_is_there_and_when_it_comes(served):
    await served.post("/tasks", {"title": "One"})
    async with channel(served) as socket:
        assert await hear(socket) == {"type": "work_available"}
        await claim(served)
        await served.post("/tasks", {"title": "Two"})
        assert await hear(socket) == {"type": "work_available"}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/tasks/T-1/move", {"to": "ready"}, "stop"),
        ("/tasks/T-1/cancel", {}, "stop"),
        ("/tasks/T-1/assign", {"agent": None}, "lease_lost"),
    ],
)
async def test_a_run_hears_that_its_task_was_taken_away(served, path, body, said):
    await served.post("/tasks", {"title": "One"})
    async with channel(served) as socket:
        await hear(socket)
        offer = await claim(served)
        assert (await served.post(path, body)).status_code == 200
        assert await hear(socket) == {"type": said, "run_id": offer["run"]["run_id"]}


async def test_an_agent_that_was_away_hears_what_it_missed(served):
    await served.post("/tasks", {"title": "One"})
    offer = await claim(served)
    await served.post("/tasks/T-1/cancel")
    async with channel(served) as socket:
        assert await hear(socket) == {"type": "stop", "run_id": offer["run"]["run_id"]}


async def test_what_an_agent_ends_itself_is_not_told_back(served):
    await served.post("/tasks", {"title": "One"})
    async with channel(served) as socket:
        await hear(socket)
        offer = await claim(served)
        await served.post(f"/runs/{offer['run']['run_id']}/submit", {"content": "x"}, offer["run"]["key"])
        await served.post("/tasks", {"title": "Two"})
        assert await hear(socket) == {"type": "work_available"}


@pytest.mark.parametrize(
    ("path", "body"), [("/tasks/T-1/nudge", {"note": "Look."}), ("/tasks/T-1/hold", {}), ("/agents/writer/pause", {})]
)
async def test_a_run_is_told_that_its_next_beat_has_something_to_say(served, path, body):
    await served.post("/tasks", {"title": "One"})
    async with channel(served) as socket:
        await hear(socket)
        offer = await claim(served)
        assert (await served.post(path, body)).status_code == 200
        assert await hear(socket) == {"type": "directives", "run_id": offer["run"]["run_id"]}
        beat = await served.post(f"/runs/{offer['run']['run_id']}/beat", None, offer["run"]["key"])
        assert len(beat.json()["directives"]) == 1


async def test_an_answer_is_told(served):
    await served.post("/tasks", {"title": "One"})
    async with channel(served) as socket:
        await hear(socket)
        offer = await claim(served)
        question = {"text": "Which tone?", "question_id": "q_1"}
        await served.post(f"/runs/{offer['run']['run_id']}/ask", question, offer["run"]["key"])
        await served.post("/tasks/T-1/answer", {"text": "Calm."})
        assert await hear(socket) == {"type": "answer", "question_id": "q_1"}


async def test_a_beat_over_the_channel_keeps_the_lease_and_a_stale_one_is_told_so(served):
    await served.post("/tasks", {"title": "One"})
    async with channel(served) as socket:
        await hear(socket)
        offer = await claim(served)
        beat = {"type": "beat", "run_id": offer["run"]["run_id"], "epoch": 1, "progress": "half-way"}
        await socket.send(json.dumps(beat))
        await socket.send(json.dumps({**beat, "epoch": 7}))
        assert await hear(socket) == {"type": "lease_lost", "run_id": offer["run"]["run_id"]}
    assert served.engine.beats == [(offer["task"]["task_id"], 1)]


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"type": "sing"}', '{"type": "beat"}', '"' + "x" * 20_000 + '"'])
async def test_what_is_not_understood_is_said_so_and_the_channel_stays(served, text):
    async with channel(served) as socket:
        await socket.send(text)
        assert (await hear(socket))["type"] == "error"
        await served.post("/tasks", {"title": "One"})
        assert await hear(socket) == {"type": "work_available"}


async def test_a_revoked_key_loses_its_channel(served):
    async with channel(served) as socket:
        async with served.control.transaction() as session:
            caller = await authenticate(session, served.agent_key)
            await revoke_key(session, caller.workspace_id, caller.key_id, 1)
        async with asyncio.timeout(3):
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
    assert closed.value.rcvd.code == 1008


async def test_a_server_that_stops_ends_its_channels_at_once(served):
    async with channel(served) as socket:
        served.server.should_exit = True
        async with asyncio.timeout(3):
            with pytest.raises(ConnectionClosed):
                await socket.recv()
