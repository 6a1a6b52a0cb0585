"""`/runs/{run_id}/ask|answer`: a run asks a person, and hears what they said."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Response
from sqlalchemy import select

from controlplane.api.bodies import runs as bodies
from controlplane.api.callers import LiveRunHolder, RunHolder
from controlplane.api.commanding import CommandId
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.runs import said
from controlplane.api.views import answer
from controlplane.api.views.runs import AnswerView, AskedView
from controlplane.api.waiting import wait_for
from controlplane.store.tables import TaskEvent
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/runs/{run_id}", tags=["runs"])

EVENTS = table_of(TaskEvent).c
QuestionId = Annotated[str, Path(min_length=1, max_length=80, examples=["q_1"])]
NOBODY_YET = AnswerView(answer=None, outcome="")


@router.post("/ask", **said("run_ask", AskedView))
async def ask(body: bodies.Question, caller: RunHolder, command_id: CommandId, deps: Deps) -> Response:
    """Asks a person; the run waits and need not beat. Not answered in time, the answer is no."""
    question_id = await deps.commands.ask(
        caller,
        command_id,
        body.text,
        kind=body.kind,
        choices=tuple(body.choices),
        form=body.form,
        expires_in_seconds=body.expires_in_seconds,
        question_id=body.question_id,
    )
    return answer(AskedView(question_id=question_id))


@router.get("/answer/{question_id}", **said("run_answer", AnswerView))
async def await_answer(
    question_id: QuestionId,
    caller: LiveRunHolder,
    deps: Deps,
    wait_seconds: Annotated[float, Query(ge=0, le=30, description="How long to wait for it.")] = 0.0,
) -> Response:
    """What a person answered, at once or when it comes within the time; else an empty outcome."""

    async def look() -> AnswerView | None:
        return await find_answer(deps, caller.task_id or "", question_id)

    found = await wait_for(deps.feed, wait_seconds, look, lambda change: change.subject_id == caller.task_id)
    return answer(found or NOBODY_YET)


async def find_answer(deps: ApiDeps, task_id: str, question_id: str) -> AnswerView | None:
    """From the activity: the state forgets a question when its run ends."""
    settled = ("question_asked", "question_answered", "question_expired")
    async with deps.control.reading() as session:
        rows = await session.execute(
            select(EVENTS.kind, EVENTS.body)
            .where(EVENTS.task_id == task_id, EVENTS.kind.in_(settled))
            .order_by(EVENTS.revision, EVENTS.position)
        )
        told = {row.kind: row.body for row in rows if row.body["question_id"] == question_id}
    if "question_answered" in told:
        return AnswerView(answer=_said(told["question_answered"]), outcome="answered")
    if "question_expired" in told:
        return AnswerView(answer=_no(told.get("question_asked", {})), outcome="expired")
    return None


def _said(body: dict[str, Any]) -> Any:
    value = body.get("value")
    return body["text"] if value is None else value


def _no(asked: dict[str, Any]) -> bool | None:
    """Silence means no: to an approval it is one, to a question there is no answer."""
    return False if asked.get("answer_kind") == "approval" else None
