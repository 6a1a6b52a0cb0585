"""What Temporal remembers of each task, told from its history alone, against what the read model says.

A worker that lived through it all could still agree with the read model in memory while the history tells something
else. So the workers are killed once more first: a snapshot then means that a new one replays the history.
"""

import asyncio
import json
from datetime import timedelta
from typing import Any

import msgspec
from temporalio.client import Client, WorkflowQueryFailedError
from temporalio.service import RPCError

from controlplane.domain.state import TaskState
from controlplane.settings import read_settings
from tests.chaos.checks import Finding
from tests.chaos.evidence import Evidence
from tests.chaos.killer import Killer, NotBack
from workers.connect import connect
from workers.workflows.task import TaskWorkflow

AT_ONCE = 8
ANSWER = timedelta(seconds=20)
TRIES = 3  # a worker that has just started may be slow to its first replay


async def check_engine(found: Evidence, killer: Killer) -> Finding:
    """Each history replays, and makes the state that the row has."""
    finding = Finding("engine")
    try:
        await killer.restart("workers")
    except NotBack as fault:
        finding.against.append(str(fault))
        return finding
    client = await connect(read_settings(killer.product.environment))
    turns = asyncio.Semaphore(AT_ONCE)

    async def compare(task_id: str, kept: str) -> None:
        async with turns:
            finding.against += await _differences(client, task_id, kept)

    async with asyncio.TaskGroup() as group:
        for task_id, row in found.tasks.items():
            group.create_task(compare(task_id, row["state_json"]), name=f"replay {task_id}")
    finding.text = f"{len(found.tasks)} histories replayed, each state compared with its row"
    return finding


async def _differences(client: Client, task_id: str, kept: str) -> list[str]:
    handle = client.get_workflow_handle_for(TaskWorkflow.run, task_id)
    for left in reversed(range(TRIES)):
        try:
            state = await handle.query(TaskWorkflow.snapshot, rpc_timeout=ANSWER)
            break
        except (RPCError, WorkflowQueryFailedError) as fault:
            if not left:
                return [f"{task_id} cannot be replayed: {fault!r}"]
    return list(differences(task_id, state, kept))


def differences(task_id: str, state: TaskState | None, kept: str) -> list[str]:
    """Fields that differ, times apart: of a command that was said twice, each may have the time of another try."""
    told, row = _without_times(msgspec.to_builtins(state)), _without_times(json.loads(kept))
    if not isinstance(told, dict):
        return [f"{task_id} has no state"]
    fields = {name for name in {*told, *row} if told.get(name) != row.get(name)}
    return [f"{task_id} {name}: replayed {told.get(name)}, in its row {row.get(name)}" for name in sorted(fields)]


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(one) for name, one in value.items() if not name.endswith("at_ms")}
    return [_without_times(one) for one in value] if isinstance(value, list | tuple) else value
