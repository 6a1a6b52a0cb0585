"""`POST /tasks/{ref}/…`: verdicts, who may give them, answers to agents' questions, and what came too late."""

from fastapi import APIRouter, Response
from pointsman.contract import ErrorCode

from controlplane.api.bodies import tasks as bodies
from controlplane.api.callers import PEOPLE, PEOPLE_AND_AGENTS, LiveCaller
from controlplane.api.commanding import CommandId, ExpectedRevision
from controlplane.api.deps import Deps
from controlplane.api.described import ETAG, TASK_REFUSES, operation
from controlplane.api.once import once
from controlplane.api.task_answers import read_state, task_answer, tell
from controlplane.api.task_verbs import verb
from controlplane.api.tasks import Ref, wished
from controlplane.api.views import answer
from controlplane.api.views.runs import DoneView
from controlplane.api.views.tasks import TaskView
from controlplane.commands.reviews import ReviewWish
from controlplane.domain.commands import ReviewDeliverable

router = APIRouter(prefix="/tasks/{ref}", tags=["reviews"])

MAY_REVIEW = operation(
    "task_review", PEOPLE_AND_AGENTS, TaskView, headers=ETAG, refuses=(*TASK_REFUSES, ErrorCode.FORBIDDEN)
)


@router.post("/review", **MAY_REVIEW)
async def review(
    ref: Ref, body: bodies.Verdict, caller: LiveCaller, command_id: CommandId, seen: ExpectedRevision, deps: Deps
) -> Response:
    """Gives a verdict, or asks before it. An agent may where it is asked to, and never on its own work."""
    version = body.version
    if version is None:
        state = await read_state(deps, ref, caller)
        version = state.deliverables[-1].version if state.deliverables else 0
    return await tell(deps, caller, command_id, ref, ReviewDeliverable(version, body.verdict, body.note), seen)


@router.post("/reviewers", **verb("task_reviewers"))
async def set_reviewers(
    ref: Ref, body: bodies.ReviewWish, caller: LiveCaller, command_id: CommandId, seen: ExpectedRevision, deps: Deps
) -> Response:
    """Says who reviews, how many of them must approve, and which agent looks first. A team means its members of now."""
    wish = wished(body) or ReviewWish()
    state = await deps.commands.set_review(caller.actor, command_id, ref, wish, caller.workspace_id, seen)
    return await task_answer(deps, state)


@router.post("/answer", **verb("task_answer"))
async def answer_question(
    ref: Ref, body: bodies.QuestionAnswer, caller: LiveCaller, command_id: CommandId, deps: Deps
) -> Response:
    """Answers what the agent asked: the open question, or the one that is named. A form's answer fits its schema."""
    state = await deps.commands.answer(
        caller.actor,
        command_id,
        ref,
        body.question_id,
        text=body.text,
        value=body.value,
        workspace_id=caller.workspace_id,
    )
    return await task_answer(deps, state)


@router.post("/late/adopt", **verb("late_adopt"))
async def adopt_late(
    ref: Ref, body: bodies.LateWork, caller: LiveCaller, command_id: CommandId, deps: Deps
) -> Response:
    """Makes what came too late the next version after all; a live run ends, for its work is done."""
    state = await deps.commands.adopt_late(caller.actor, command_id, ref, body.run_id, body.sha256, caller.workspace_id)
    return await task_answer(deps, state)


@router.post("/late/discard", **operation("late_discard", PEOPLE, DoneView, refuses=(ErrorCode.NOT_FOUND,)))
async def discard_late(
    ref: Ref, body: bodies.LateWork, caller: LiveCaller, command_id: CommandId, deps: Deps
) -> Response:
    """Nobody wants it."""

    async def act() -> Response:
        await deps.commands.discard_late(caller.actor, ref, body.run_id, body.sha256, caller.workspace_id)
        return answer(DoneView())

    return await once(deps, caller, command_id, act)
