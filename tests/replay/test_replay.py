"""Today's workflow code meets the histories that earlier code has made. No server is needed."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from workers.converter import data_converter
from workers.worker import sandbox
from workers.workflows.agent_run import AgentRunWorkflow
from workers.workflows.task import TaskWorkflow

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def replayer() -> Replayer:
    return Replayer(
        workflows=[TaskWorkflow, AgentRunWorkflow], data_converter=data_converter(), workflow_runner=sandbox()
    )


def test_there_are_histories_of_both_workflows() -> None:
    names = {path.stem.split("-")[0] for path in HISTORIES}

    assert names == {"task", "agent"}


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_saved_history_replays(path: Path) -> None:
    await replayer().replay_workflow(WorkflowHistory.from_json("t_replayed", path.read_text(encoding="utf-8")))


async def test_a_history_that_our_code_would_not_make_is_refused() -> None:
    path = next(path for path in HISTORIES if path.stem.startswith("task-reviewed"))
    history = json.loads(path.read_text(encoding="utf-8").replace('"project_task"', '"notify_dependents"'))

    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(WorkflowHistory.from_json("t_replayed", history))
