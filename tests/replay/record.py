"""Writes the histories that `test_replay.py` replays: `python -m tests.replay.record`.

Workflows and server are real; activities are stand-ins, because a replay sees only their results. Record a new scenario
beside the old ones: a history that a release has made stays, for as long as such tasks may be open somewhere.
"""

import asyncio
import re
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from pointsman.contract import IdPrefix, new_id
from temporalio import activity
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from controlplane.domain.commands import (
    AddBlockers,
    AnswerQuestion,
    AskQuestion,
    ClaimTask,
    Command,
    CreateTask,
    EditTask,
    Envelope,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.state import Actor, ActorKind
from controlplane.ports import Applied
from tests.fixtures_temporal import TemporalServer, settings_on_free_ports
from workers import agent_messages, messages
from workers.agent_messages import AgentRunStart, ModelTurn
from workers.bootstrap import bootstrap
from workers.engine import TemporalTaskEngine
from workers.messages import LeaseTerms, SilenceVerdict
from workers.worker import sandbox
from workers.workflows.agent_run import AgentRunWorkflow
from workers.workflows.task import TaskWorkflow

HISTORIES = Path(__file__).parent / "histories"
OF_THIS_MACHINE = re.compile(r'"(identity|stackTrace)": ?"(\\.|[^"\\])*"')
ADA = Actor(ActorKind.PERSON, "u_ada", "Ada")
WRITER = Actor(ActorKind.AGENT, "a_writer", "writer")


def _stand_in(name: str, result: Any) -> Callable[..., Any]:
    @activity.defn(name=name)
    async def answer(_request: Any) -> Any:
        if isinstance(result, Exception):
            raise result
        return result(_request) if callable(result) else result

    return answer


@activity.defn(name=messages.HOLD_LEASE)
async def _hold_lease(_lease: Any) -> None:
    activity.raise_complete_async()


def _turn(request: dict[str, Any]) -> ModelTurn:
    return ModelTurn("cd" * 32, 1 if request["step"] == 1 else 0)


def _submit(request: dict[str, Any]) -> int:
    if request["run"]["run_id"] == "r_revoked":
        raise ApplicationError("gone", type=agent_messages.RUN_REVOKED, non_retryable=True)
    return 1


ACTIVITIES = [
    _hold_lease,
    _stand_in(messages.PROJECT_TASK, None),
    _stand_in(messages.CHECK_BLOCKERS, {"t_closed": "done"}),
    _stand_in(messages.NOTIFY_DEPENDENTS, None),
    _stand_in(messages.CONFIRM_LOSS, SilenceVerdict(is_lost=True, reason="No beat and no call for 1 s.")),
    _stand_in(agent_messages.OPEN_TRANSCRIPT, "ab" * 32),
    _stand_in(agent_messages.CALL_MODEL, _turn),
    _stand_in(agent_messages.CALL_TOOL, "ef" * 32),
    _stand_in(agent_messages.SUBMIT_ANSWER, _submit),
    _stand_in(agent_messages.FAIL_RUN, True),
]


async def _forgotten(_task_id: str) -> None:
    """Temporal alone remembers the tasks of a scenario."""


class Recorder:
    """One scenario's task, driven through the engine."""

    def __init__(self, client: Client, lease: LeaseTerms) -> None:
        self.client, self.engine = client, TemporalTaskEngine(client, _forgotten, lease)
        self.task_id = new_id(IdPrefix.TASK)

    async def do(self, command: Command, actor: Actor = ADA) -> Applied:
        answer = await self.engine.execute(
            self.task_id, Envelope(new_id(IdPrefix.COMMAND), actor, 1_795_000_000_000, command)
        )
        assert isinstance(answer, Applied), answer
        return answer

    async def create(self, **fields: Any) -> None:
        await self.do(CreateTask(self.task_id, "w_1", "p_1", 1, "Write", "A brief.", **fields))

    async def save(self, name: str, workflow_id: str, run_id: str | None = None) -> None:
        history = await self.client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        text = OF_THIS_MACHINE.sub(r'"\1": "recorder"', history.to_json())
        await asyncio.to_thread((HISTORIES / f"{name}.json").write_text, text, encoding="utf-8")


async def task_reviewed_twice(recorder: Recorder) -> None:
    await recorder.create()
    for number, verdict in ((1, "request_changes"), (2, "approve")):
        run = await recorder.do(ClaimTask("a_writer", f"r_{number}"), WRITER)
        epoch = run.state.epoch
        await recorder.do(AskQuestion(f"r_{number}", epoch, f"q_{number}", "Which one?"), WRITER)
        await recorder.do(AnswerQuestion(f"q_{number}", "The first."))
        await recorder.do(SubmitDeliverable(f"r_{number}", epoch, "ab" * 32, 12), WRITER)
        await recorder.do(ReviewDeliverable(number, verdict, "A note."))
    await recorder.client.get_workflow_handle(recorder.task_id).result()
    await recorder.save("task-reviewed-twice-1", recorder.task_id)


async def task_with_blockers(recorder: Recorder) -> None:
    await recorder.create(blockers=("t_closed", "t_open"))
    await _until_history_has(recorder, "check_blockers", 1)
    await recorder.do(AddBlockers(("t_another",)))
    await _until_history_has(recorder, "check_blockers", 2)
    await recorder.save("task-with-blockers-1", recorder.task_id)


async def task_lost_by_silence(recorder: Recorder) -> None:
    await recorder.create()
    await recorder.do(ClaimTask("a_writer", "r_1"), WRITER)
    await _until_history_has(recorder, "confirm_loss", 1)
    await recorder.do(ClaimTask("a_writer", "r_2"), WRITER)
    await recorder.save("task-lost-by-silence-1", recorder.task_id)


async def task_continued_as_new(recorder: Recorder) -> None:
    await recorder.create()
    first = await recorder.do(ClaimTask("a_writer", "r_1"), WRITER)
    while (await recorder.do(EditTask(title="Again"))).execution_id == first.execution_id:
        continue
    await recorder.save("task-continued-as-new-1", recorder.task_id, first.execution_id)
    await recorder.save("task-continued-as-new-successor-1", recorder.task_id)


async def agent_run_with_a_tool(recorder: Recorder) -> None:
    await _run_agent(recorder, AgentRunStart("t_1", "r_tool", 1, "a_1"), "agent-run-with-a-tool-1")


async def agent_run_revoked(recorder: Recorder) -> None:
    await _run_agent(recorder, AgentRunStart("t_1", "r_revoked", 1, "a_1"), "agent-run-revoked-1")


async def agent_run_out_of_budget(recorder: Recorder) -> None:
    await _run_agent(recorder, AgentRunStart("t_1", "r_budget", 1, "a_1", max_steps=1), "agent-run-out-of-budget-1")


async def _run_agent(recorder: Recorder, start: AgentRunStart, name: str) -> None:
    await recorder.client.execute_workflow(AgentRunWorkflow.run, start, id=start.workflow_id, task_queue="tasks")
    await recorder.save(name, start.workflow_id)


async def _until_history_has(recorder: Recorder, name: str, times: int) -> None:
    handle = recorder.client.get_workflow_handle(recorder.task_id)
    async with asyncio.timeout(20):
        while True:
            events = [event async for event in handle.fetch_history_events()]
            names = [event.activity_task_scheduled_event_attributes.activity_type.name for event in events]
            if names.count(name) >= times and not events[-1].HasField("activity_task_scheduled_event_attributes"):
                return
            await asyncio.sleep(0.1)  # nothing announces a history's growth


SCENARIOS: tuple[Callable[[Recorder], Awaitable[None]], ...] = (
    task_reviewed_twice,
    task_with_blockers,
    task_lost_by_silence,
    task_continued_as_new,
    agent_run_with_a_tool,
    agent_run_revoked,
    agent_run_out_of_budget,
)


async def main() -> None:
    """Records every scenario on a server of its own."""
    with tempfile.TemporaryDirectory() as folder:
        lease = {"lease_ttl_seconds": 1.0, "lease_grace_seconds": 0.5}
        server = TemporalServer(settings_on_free_ports(Path(folder) / "home", **lease))
        server.extra_arguments = ("--dynamic-config-value", "limit.historyCount.suggestContinueAsNew=60")
        server.start()
        try:
            client = await bootstrap(server.settings)
            async with Worker(
                client,
                task_queue="tasks",
                workflows=[TaskWorkflow, AgentRunWorkflow],
                activities=ACTIVITIES,
                workflow_runner=sandbox(),
            ):
                for scenario in SCENARIOS:
                    await scenario(Recorder(client, LeaseTerms.of(server.settings)))
        finally:
            server.kill()


if __name__ == "__main__":
    asyncio.run(main())
