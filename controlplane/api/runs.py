"""`/runs/{run_id}`: what a run says and is told. Spoken with the run's key, or with its agent's key and the epoch."""

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pointsman.contract import ErrorCode
from sqlalchemy import select

from controlplane.access.callers import Caller
from controlplane.api import bodies
from controlplane.api.callers import LiveRunHolder, RunHolder
from controlplane.api.commanding import CommandId
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.views import answer
from controlplane.api.waiting import wait_for
from controlplane.commands.contents import Submission, store_submission
from controlplane.commands.desk import refused
from controlplane.domain.commands import AskQuestion, Command, FailRun, ReleaseRun, without_content
from controlplane.store.tables import Agent, TaskEvent
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/runs/{run_id}")


@router.post("/beat")
async def beat(caller: LiveRunHolder, deps: Deps, body: bodies.Beat | None = None) -> Response:
    """A sign of life, with progress if there is any; 409 `lease_lost` when the task was taken away."""
    await deps.beats.beat(caller, body.progress if body else None)
    return answer({"lease": "held", "directives": await directives(deps, caller)})


async def directives(deps: ApiDeps, caller: Caller) -> list[str]:
    """What the run should do: `stop` while its agent is paused."""
    async with deps.control.reading() as session:
        agent = await session.get(Agent, caller.agent_id)
    return ["stop"] if agent is not None and agent.is_paused else []


@router.post("/submit")
async def submit(body: bodies.Submission, caller: RunHolder, deps: Deps) -> Response:
    """Hands in a deliverable; the same content again is the same version. Too late, it is refused, but kept aside."""
    content = await store_submission(deps.blobs, deps.uploads, caller, _submission(body))
    return answer({"version": await deps.commands.submit_content(caller, content)})


def _submission(body: bodies.Submission) -> Submission:
    if body.kind and body.format and body.kind != body.format:
        raise refused(ErrorCode.INVALID_REQUEST, "`kind` and `format` mean the same; say one of them.", field="format")
    kind = body.kind or body.format or "markdown"
    return Submission(kind, body.content, body.url, body.upload_id, body.language, body.title, body.name)


@router.post("/release")
async def release(caller: RunHolder, command_id: CommandId, deps: Deps, body: bodies.Release | None = None) -> Response:
    """Gives the task back, which is not a failure."""
    reason = body.reason if body else ""
    return await _send(deps, caller, command_id, ReleaseRun(caller.run_id or "", caller.epoch, reason))


@router.post("/fail")
async def fail(body: bodies.Failure, caller: RunHolder, command_id: CommandId, deps: Deps) -> Response:
    """This attempt failed."""
    return await _send(deps, caller, command_id, FailRun(caller.run_id or "", caller.epoch, body.reason, body.message))


@router.post("/ask")
async def ask(body: bodies.Question, caller: RunHolder, command_id: CommandId, deps: Deps) -> Response:
    """Asks a person; the run waits, and keeps its lease by beats."""
    # A retry asks the same question.
    question_id = body.question_id or "q_" + without_content(command_id).removeprefix("cmd_")
    question = AskQuestion(caller.run_id or "", caller.epoch, question_id, body.text)
    await deps.commands.send(caller.actor, command_id, caller.task_id or "", question)
    return answer({"question_id": question_id})


@router.get("/answer/{question_id}")
async def await_answer(
    question_id: str,
    caller: LiveRunHolder,
    deps: Deps,
    wait_seconds: Annotated[float, Query(ge=0, le=30)] = 0.0,
) -> Response:
    """The answer, at once or when it comes within the time; else null."""

    async def look() -> str | None:
        return await find_answer(deps, caller.task_id or "", question_id)

    text = await wait_for(deps.feed, wait_seconds, look, lambda change: change.subject_id == caller.task_id)
    return answer({"answer": text})


async def find_answer(deps: ApiDeps, task_id: str, question_id: str) -> str | None:
    """What a person answered. From the activity: the state forgets a question when its run ends."""
    columns = table_of(TaskEvent).c
    async with deps.control.reading() as session:
        answers = await session.execute(
            select(columns.body).where(columns.task_id == task_id, columns.kind == "question_answered")
        )
    return next((body["text"] for body in answers.scalars() if body["question_id"] == question_id), None)


async def _send(deps: ApiDeps, caller: Caller, command_id: str, command: Command) -> Response:
    await deps.commands.send(caller.actor, command_id, caller.task_id or "", command)
    return answer({})
