"""An agent inside our workers, with the real gateway and a provider that counts what it was asked."""

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from typing import Any

import httpx2
import pytest

from controlplane.access.agents import register_agent
from controlplane.blobs import DirectoryBlobs
from controlplane.commands.service import CommandService
from controlplane.domain.commands import CancelTask, HoldTask, LiftHold
from controlplane.domain.state import HoldKind
from tests.fixtures_temporal import python_process
from tests.integration.workers.conftest import ADA, MASTER_KEY, World, until
from tests.integration.workers.test_recovery import lose_temporal, run

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


class Office:
    """Gateway and simulated provider run; workers are started and killed by the test."""

    def __init__(self, world: World, http: httpx2.AsyncClient, workers: ExitStack) -> None:
        self.world, self.http, self.workers = world, http, workers

    def start_workers(self) -> None:
        self.workers.enter_context(python_process("workers", self.world.settings))

    def kill_workers(self) -> None:
        self.workers.close()

    async def hire(self, **definition: Any) -> None:
        usual = {"model": "gpt-5-mini", "system": "You draw.", "tool_server": "simulated", "max_steps": 6}
        async with self.world.control.transaction() as session:
            await register_agent(
                session,
                "w_1",
                "illustration",
                self.world.clock.now_ms(),
                capabilities=["illustrate"],
                kind="internal",
                definition=usual | definition,
            )

    async def calls(self) -> list[dict[str, Any]]:
        return list((await self.http.get(f"{self.world.settings.simulated_url}/sim/calls")).json())

    async def is_up(self) -> bool:
        try:
            answers = [
                await self.http.get(url)
                for url in (
                    f"{self.world.settings.proxy_url}/readyz",
                    f"{self.world.settings.simulated_url}/sim/calls",
                )
            ]
        except httpx2.HTTPError:
            return False
        return all(answer.status_code == 200 for answer in answers)


@pytest.fixture
async def office(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    monkeypatch.setenv("POINTSMAN_PARK_SECONDS", "1")  # so long the gateway itself holds a call of a paused run
    async with AsyncExitStack() as stack:
        settings = world.settings
        port = str(settings.simulated_port)
        stack.enter_context(python_process("proxy.simulated", settings, "--port", port, "--speed", "fast"))
        stack.enter_context(python_process("controlplane.gateway", settings))
        http = await stack.enter_async_context(httpx2.AsyncClient(timeout=5))
        workers = stack.enter_context(ExitStack())
        office = Office(world, http, workers)
        assert await until(office.is_up, 30)
        await world.presence("web")
        yield office


async def test_an_internal_agent_calls_tools_and_submits_what_its_model_wrote(office: Office) -> None:
    await office.hire()
    office.start_workers()
    task = await office.world.create(
        "Illustrate",
        brief='[[sim:tool search {"query": "heat pumps"}]] [[sim:say A **chart**.]]',
        needs=("illustrate",),
    )
    await office.world.until_row("SELECT 1 FROM tasks WHERE status = 'in_review'", seconds=40)

    calls = await office.calls()
    assert [call["endpoint"] for call in calls] == ["/v1/chat/completions", "/mcp", "/v1/chat/completions"]
    version = await office.world.rows("SELECT sha256, version FROM deliverables WHERE task_id = :t", t=task.task_id)
    blob = office.world.settings.home.blobs / version[0].sha256[:2] / version[0].sha256
    assert blob.read_text() == "A **chart**."
    run = await office.world.rows("SELECT run_id FROM runs")
    outcome = await office.world.client.get_workflow_handle(f"run/{run[0].run_id}").result()
    assert outcome == "submitted"


async def test_a_worker_killed_in_the_middle_of_a_call_asks_the_provider_once(office: Office) -> None:
    await office.hire(tool_server="")
    office.start_workers()
    await office.world.create("Illustrate", brief="[[sim:slow 3]] [[sim:say Done.]]", needs=("illustrate",))

    assert await until(office.calls, 40)
    office.kill_workers()
    office.start_workers()
    await office.world.until_row("SELECT 1 FROM tasks WHERE status = 'in_review'", seconds=60)

    assert len(await office.calls()) == 1
    runs = await office.world.rows("SELECT state FROM runs")
    assert [run.state for run in runs] == ["submitted"]


async def test_an_agent_whose_task_is_cancelled_stops_calling(office: Office) -> None:
    await office.hire(tool_server="", max_steps=3)
    office.start_workers()
    task = await office.world.create("Illustrate", brief="[[sim:slow 30]]", needs=("illustrate",))
    assert await until(office.calls, 40)
    run = await office.world.until_row("SELECT run_id FROM runs")
    await office.world.apply(task.task_id, CancelTask("not needed"))
    handle = office.world.client.get_workflow_handle(f"run/{run.run_id}")

    async def has_ended() -> bool:
        status = (await handle.describe()).status
        return status is not None and status.name != "RUNNING"

    began = time.monotonic()
    assert await until(has_ended, 30)
    assert time.monotonic() - began < 30
    assert len(await office.calls()) == 1


async def test_an_agent_that_never_answers_fails_its_run_by_budget(office: Office) -> None:
    await office.hire(max_steps=2)
    office.start_workers()
    await office.world.create(
        "Illustrate", brief='[[sim:repeat]] [[sim:tool search {"query": "x"}]]', needs=("illustrate",)
    )
    row = await office.world.until_row("SELECT state, reason FROM runs WHERE state = 'failed'", seconds=60)

    assert tuple(row) == ("failed", "budget")


@pytest.mark.parametrize("is_frozen", [False, True], ids=["paused", "frozen"])
async def test_an_agent_that_is_held_for_longer_than_the_gateway_waits_goes_on_and_pays_nothing_twice(
    office: Office, *, is_frozen: bool
) -> None:
    world = office.world
    await office.hire()
    office.start_workers()
    task = await world.create(
        "Illustrate",
        brief='[[sim:slow 2]] [[sim:tool search {"query": "heat pumps"}]] [[sim:say Done.]]',
        needs=("illustrate",),
    )
    assert await until(office.calls, 40)
    blobs = DirectoryBlobs(world.settings.home.blobs)
    service = CommandService(world.control, world.engine, blobs, world.clock, MASTER_KEY)
    if is_frozen:
        await service.freeze(ADA, "cmd_freeze", "task", task.task_id, "fire", "w_1")
    else:
        await world.apply(task.task_id, HoldTask(HoldKind.OPERATOR, "lunch"))
    run = await world.until_row("SELECT run_id FROM runs WHERE state = 'paused'")

    async def was_sent_away_twice() -> bool:
        events = world.client.get_workflow_handle(f"run/{run.run_id}").fetch_history_events()
        return sum([event.HasField("activity_task_failed_event_attributes") async for event in events]) >= 2

    assert await until(was_sent_away_twice, 40)
    asked = await office.calls()
    if is_frozen:
        await service.thaw(ADA, "cmd_thaw", "task", task.task_id, "out", "w_1")
    else:
        await world.apply(task.task_id, LiftHold(HoldKind.OPERATOR))
    await world.until_row("SELECT 1 FROM tasks WHERE status = 'in_review'", seconds=40)

    assert [call["endpoint"] for call in asked] == ["/v1/chat/completions"]
    assert [call["endpoint"] for call in await office.calls()] == [
        "/v1/chat/completions",
        "/mcp",
        "/v1/chat/completions",
    ]


async def test_an_agent_goes_on_after_temporals_file_was_lost_and_pays_nothing_twice(office: Office) -> None:
    world = office.world
    await office.hire(tool_server="")
    office.start_workers()
    await world.create("Illustrate", brief="[[sim:slow 3]] [[sim:say Done.]]", needs=("illustrate",))
    assert await until(office.calls, 40)
    await world.until_row("SELECT 1 FROM tasks WHERE status = 'in_progress'")
    office.kill_workers()
    await lose_temporal(world)
    assert "1 tasks reimported" in await run("reimport", world.settings)
    office.start_workers()
    await world.until_row("SELECT 1 FROM tasks WHERE status = 'in_review'", seconds=60)

    assert len(await office.calls()) == 1
    assert [row.state for row in await world.rows("SELECT state FROM runs")] == ["submitted"]
