"""Writes the histories that `test_replay.py` replays: `python -m tests.replay.record`.

Workflows and server are real; activities are stand-ins, because a replay sees only their results. Only a scenario that
has no file is recorded: a history that a release has made stays, for as long as such tasks may be open somewhere. When
a scenario comes out differently with new code, record it under a new name beside the old one.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from pointsman.contract import IdPrefix, new_id
from temporalio import activity
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client
from temporalio.exceptions import ApplicationError
from temporalio.worker import Worker

from controlplane.domain.commands import (
    AddBlockers,
    AnswerQuestion,
    AskQuestion,
    CancelTask,
    ClaimTask,
    Command,
    CompleteTask,
    CreateTask,
    EditTask,
    Envelope,
    HoldTask,
    LiftHold,
    ReopenTask,
    ResumeRun,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.state import Actor, ActorKind, HoldKind
from controlplane.ports import Applied
from tests.fixtures_temporal import TemporalServer, settings_on_free_ports
from workers import agent_messages, messages
from workers.agent_messages import AgentRunStart, ModelTurn
from workers.bootstrap import bootstrap
from workers.clock import WallClock
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
    run = request["run"]
    is_first_try = run["run_id"] == "r_paused" and activity.info().activity_id == "2"
    if is_first_try or (run["run_id"] == "r_long" and run["position"] is None):
        raise ApplicationError("on hold", type=agent_messages.RUN_PAUSED, non_retryable=True)
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
    _stand_in(messages.READ_TASK, None),
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
            self.task_id, Envelope(new_id(IdPrefix.COMMAND), actor, WallClock().now_ms(), command)
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
    await _until_asked(recorder, "check_blockers", 1)
    await recorder.do(AddBlockers(("t_another",)))
    await _until_asked(recorder, "check_blockers", 2)
    await recorder.save("task-with-blockers-1", recorder.task_id)


async def task_lost_by_silence(recorder: Recorder) -> None:
    await recorder.create()
    await recorder.do(ClaimTask("a_writer", "r_1"), WRITER)
    await _until_asked(recorder, "confirm_loss", 1)
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


async def task_reopened(recorder: Recorder) -> None:
    await recorder.create(blockers=("t_closed",))
    await _until_asked(recorder, "check_blockers", 1)
    await recorder.do(CompleteTask("good enough"))
    await recorder.client.get_workflow_handle(recorder.task_id).result()
    await recorder.do(ReopenTask("it was not"))
    await _until_asked(recorder, "notify_dependents", 1)
    await recorder.do(CancelTask("never mind"))
    await recorder.client.get_workflow_handle(recorder.task_id).result()
    await recorder.save("task-reopened-1", recorder.task_id)


async def task_paused(recorder: Recorder) -> None:
    """Its lease ends in silence meanwhile, which nobody minds, and is armed again."""
    await recorder.create()
    await recorder.do(ClaimTask("a_writer", "r_1"), WRITER)
    await recorder.do(HoldTask(HoldKind.OPERATOR, "lunch"))
    await _until(recorder, lambda events: any(e.HasField("activity_task_timed_out_event_attributes") for e in events))
    await recorder.do(LiftHold(HoldKind.OPERATOR))
    await _until_asked(recorder, "hold_lease", 2)
    await recorder.save("task-paused-1", recorder.task_id)


async def task_asking_in_vain(recorder: Recorder) -> None:
    await recorder.create()
    await recorder.do(ClaimTask("a_writer", "r_1"), WRITER)
    await recorder.do(AskQuestion("r_1", 1, "q_1", "Ship it?", "approval", expires_in_seconds=1.0), WRITER)
    await _until(recorder, lambda events: any(e.HasField("timer_fired_event_attributes") for e in events))
    await recorder.do(AskQuestion("r_1", 1, "q_2", "Really?", expires_in_seconds=3600.0), WRITER)
    await recorder.do(AnswerQuestion("q_2", "No."))
    await recorder.save("task-asking-in-vain-1", recorder.task_id)


async def task_refreshed(recorder: Recorder) -> None:
    """With a question that waits: its timer begins anew, and no lease is armed for a run that waits."""
    await recorder.create()
    first = await recorder.do(ClaimTask("a_writer", "r_1"), WRITER)
    await recorder.do(AskQuestion("r_1", 1, "q_1", "Ship it?", expires_in_seconds=3600.0), WRITER)
    handle = recorder.client.get_workflow_handle(recorder.task_id)
    await handle.signal("refresh")
    async with asyncio.timeout(20):
        while (await handle.describe()).run_id == first.execution_id:
            await asyncio.sleep(0.1)  # nothing announces a successor
    await recorder.do(AnswerQuestion("q_1", "Yes."))
    await _until_asked(recorder, "hold_lease", 1)
    await recorder.save("task-refreshed-1", recorder.task_id, first.execution_id)
    await recorder.save("task-refreshed-successor-1", recorder.task_id)


async def task_lost_and_back(recorder: Recorder) -> None:
    await recorder.create()
    await recorder.do(ClaimTask("a_writer", "r_1"), WRITER)
    await _until_asked(recorder, "confirm_loss", 1)
    await recorder.do(ResumeRun("r_1", 1), WRITER)
    await _until_asked(recorder, "hold_lease", 2)
    await recorder.do(SubmitDeliverable("r_1", 1, "ab" * 32, 12), WRITER)
    await recorder.save("task-lost-and-back-1", recorder.task_id)


async def agent_run_paused(recorder: Recorder) -> None:
    await _run_agent(recorder, AgentRunStart("t_1", "r_paused", 1, "a_1"), "agent-run-paused-1")


async def agent_run_paused_for_long(recorder: Recorder) -> None:
    start = AgentRunStart("t_1", "r_long", 1, "a_1")
    handle = await recorder.client.start_workflow(AgentRunWorkflow.run, start, id=start.workflow_id, task_queue="tasks")
    await handle.result()
    await recorder.save("agent-run-paused-for-long-1", start.workflow_id, handle.first_execution_run_id)
    await recorder.save("agent-run-paused-for-long-successor-1", start.workflow_id)


async def _run_agent(recorder: Recorder, start: AgentRunStart, name: str) -> None:
    await recorder.client.execute_workflow(AgentRunWorkflow.run, start, id=start.workflow_id, task_queue="tasks")
    await recorder.save(name, start.workflow_id)


async def _until_asked(recorder: Recorder, name: str, times: int) -> None:
    """The task's current execution has asked this activity so often, and heard of it."""

    def has_asked(events: Sequence[HistoryEvent]) -> bool:
        names = [event.activity_task_scheduled_event_attributes.activity_type.name for event in events]
        return names.count(name) >= times and not events[-1].HasField("activity_task_scheduled_event_attributes")

    await _until(recorder, has_asked)


async def _until(recorder: Recorder, condition: Callable[[Sequence[HistoryEvent]], bool]) -> None:
    handle = recorder.client.get_workflow_handle(recorder.task_id)
    async with asyncio.timeout(20):
        while not condition([event async for event in handle.fetch_history_events()]):
            await asyncio.sleep(0.1)  # nothing announces a history's growth


SCENARIOS: tuple[Callable[[Recorder], Awaitable[None]], ...] = (
    task_reviewed_twice,
    task_with_blockers,
    task_lost_by_silence,
    task_continued_as_new,
    agent_run_with_a_tool,
    agent_run_revoked,
    agent_run_out_of_budget,
    task_reopened,
    task_paused,
    task_asking_in_vain,
    task_refreshed,
    task_lost_and_back,
    agent_run_paused,
    agent_run_paused_for_long,
)


async def main() -> None:
    """Records every scenario that has no file, on a server of its own."""
    missing = [one for one in SCENARIOS if not (HISTORIES / f"{one.__name__.replace('_', '-')}-1.json").exists()]
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
                for scenario in missing:
                    sys.stdout.write(f"{scenario.__name__}\n")
                    await scenario(Recorder(client, LeaseTerms.of(server.settings)))
        finally:
            server.kill()


if __name__ == "__main__":
    asyncio.run(main())
