"""What a person says of an agent's work, of who judges it, of what came late, and to what an agent asked."""

from typing import Literal

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from controlplane.commands.reviews import ReviewWish
from controlplane.domain.commands import ReviewDeliverable
from web.answers import read_answer
from web.pages.access import Signed, Stationed
from web.pages.posted import Posted, PostedForm
from web.pages.replies import Toast, done, is_htmx, toast
from web.pages.sending import send
from web.pages.tasks import find_task_id, load_task

router = APIRouter(prefix="/tasks/{ref}")


@router.post("/review")
async def review(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Approve a version, say what should change, or ask before the verdict."""
    verdict = ReviewDeliverable(posted.number("version", 0), posted.text("verdict"), posted.text("note"))
    return await send(request, station, person, ref, posted, verdict)


@router.post("/reviewers")
async def set_reviewers(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Who may approve, and how many of them must."""
    task = await station.commands.set_review(
        person.actor, posted.command_id, ref, review_wish(posted), person.workspace_id
    )
    return await done(request, station, person, task.task_id, f"T-{task.number}")


def review_wish(posted: Posted) -> ReviewWish:
    """The rule as the form says it: `needed` is any, all, or `some` with a number beside it."""
    reviewers = tuple(word.removeprefix("@") for word in posted.words("reviewers"))
    needed: Literal["any", "all"] | int = posted.number("count", 1)
    if posted.text("needed") != "some":
        needed = "all" if posted.text("needed") == "all" else "any"
    return ReviewWish(reviewers, needed, posted.text("first_pass").removeprefix("@") or None)


@router.post("/answer")
async def answer(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """What the agent asked, in the form it asked for."""
    task = await load_task(station, person, await find_task_id(station, person, ref))
    question = task.question
    if question is None or question.question_id != posted.text("question_id"):
        raise HTTPException(409, "This question is not open any more.")
    text, value = read_answer(question, posted.fields)
    state = await station.commands.answer(
        person.actor,
        posted.command_id,
        ref,
        question.question_id,
        text=text,
        value=value,
        workspace_id=person.workspace_id,
    )
    return await done(request, station, person, state.task_id, f"T-{state.number}")


@router.post("/late/adopt")
async def adopt(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """What came too late becomes the next version."""
    run_id, sha256 = posted.text("run_id"), posted.text("sha256")
    task = await station.commands.adopt_late(person.actor, posted.command_id, ref, run_id, sha256, person.workspace_id)
    return await done(request, station, person, task.task_id, f"T-{task.number}")


@router.post("/late/discard")
async def discard(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Nobody wants it."""
    task_id = await find_task_id(station, person, ref)
    await station.commands.discard_late(
        person.actor, ref, posted.text("run_id"), posted.text("sha256"), person.workspace_id
    )
    shown = await done(request, station, person, task_id, ref)
    if not is_htmx(request):
        return shown
    return HTMLResponse(bytes(shown.body).decode() + toast(station, Toast("Discarded. It stays in the activity.")))
