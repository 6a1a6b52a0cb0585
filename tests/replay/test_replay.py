"""Today's workflow code meets the histories that earlier code has made. No server is needed."""

import json
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from tests.replay.changed import LeaselessTask, ShortAgentRun, SilentTask
from tests.replay.record import SCENARIOS
from workers.converter import data_converter
from workers.worker import sandbox
from workers.workflows.agent_run import AgentRunWorkflow
from workers.workflows.task import TaskWorkflow

HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def replayer(*workflows: type) -> Replayer:
    return Replayer(
        workflows=workflows or (TaskWorkflow, AgentRunWorkflow),
        data_converter=data_converter(),
        workflow_runner=sandbox(),
    )


def workflow_of(path: Path) -> str:
    begun = json.loads(path.read_text(encoding="utf-8"))["events"][0]["workflowExecutionStartedEventAttributes"]
    return str(begun["workflowType"]["name"])


def test_there_are_histories_of_every_workflow_that_our_workers_run() -> None:
    assert {workflow_of(path) for path in HISTORIES} == {"Task", "AgentRun"}


def test_every_scenario_that_can_be_recorded_was() -> None:
    stems = {path.stem for path in HISTORIES}

    assert {f"{scenario.__name__.replace('_', '-')}-1" for scenario in SCENARIOS} <= stems


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_saved_history_replays(path: Path) -> None:
    await replayer().replay_workflow(WorkflowHistory.from_json("t_replayed", path.read_text(encoding="utf-8")))


async def test_a_history_that_our_code_would_not_make_is_refused() -> None:
    path = next(path for path in HISTORIES if path.stem.startswith("task-reviewed"))
    history = json.loads(path.read_text(encoding="utf-8").replace('"project_task"', '"notify_dependents"'))

    with pytest.raises(NondeterminismError):
        await replayer().replay_workflow(WorkflowHistory.from_json("t_replayed", history))


CHANGES = [
    pytest.param(SilentTask, "Task", '"notify_dependents"', id="tells nobody"),
    pytest.param(LeaselessTask, "Task", '"hold_lease"', id="asks for no beats"),
    pytest.param(ShortAgentRun, "AgentRun", "", id="does nothing"),
]


@pytest.mark.parametrize(("changed", "name", "touched"), CHANGES)
async def test_a_changed_workflow_is_refused_by_each_history_that_the_change_touches(
    changed: type, name: str, touched: str
) -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in HISTORIES if workflow_of(path) == name}
    refused = set()
    for stem, text in texts.items():
        history = WorkflowHistory.from_json("t_replayed", text)
        result = await replayer(changed).replay_workflow(history, raise_on_replay_failure=False)
        if isinstance(result.replay_failure, NondeterminismError):
            refused.add(stem)

    assert refused == {stem for stem, text in texts.items() if touched in text}
    assert refused
