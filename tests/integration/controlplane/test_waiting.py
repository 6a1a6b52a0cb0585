"""Long polls over a real connection: quick when there is work, harmless when the agent is gone."""

import asyncio
import contextlib
import time

import httpx2
from pointsman.contract import API_PREFIX
from sqlalchemy import select

from controlplane.store.tables import Agent


async def poll(served, wait_seconds: float = 20) -> httpx2.Response:
    return await served.post("/agents/me/next", {"wait_seconds": wait_seconds}, served.agent_key)


async def is_seen(served) -> None:
    """Until the agent's request has arrived."""
    async with asyncio.timeout(5):
        while True:
            async with served.control.reading() as session:
                agents = (await session.execute(select(Agent))).scalars().all()
            if agents[0].seen_at_ms is not None:
                return
            await asyncio.sleep(0.01)


async def test_a_ready_task_reaches_a_waiting_agent_within_a_second(served):
    waiting = asyncio.ensure_future(poll(served))
    await is_seen(served)
    started = time.monotonic()
    await served.post("/tasks", {"title": "One"})
    assert (await waiting).json()["task"]["ref"] == "T-1"
    assert time.monotonic() - started < 1


async def test_an_agent_that_hung_up_while_waiting_claims_nothing(served):
    async with httpx2.AsyncClient(base_url=served.url + API_PREFIX, trust_env=False) as client:
        headers = {"authorization": f"Bearer {served.agent_key}"}
        with contextlib.suppress(httpx2.TimeoutException):
            await client.post("/agents/me/next", json={"wait_seconds": 20}, headers=headers, timeout=0.5)
    created = (await served.post("/tasks", {"title": "One"})).json()
    await asyncio.sleep(0.3)  # as long as the abandoned request could still wake up and claim
    assert served.engine.tasks[created["task_id"]].status == "ready"
    assert (await poll(served, 0)).json()["task"]["ref"] == "T-1"


async def test_a_wait_ends_with_an_empty_answer_in_time(served):
    started = time.monotonic()
    assert (await poll(served, 0.3)).status_code == 204
    assert 0.25 < time.monotonic() - started < 2
