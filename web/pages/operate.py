"""What a person does to a task under way: assign, restart, nudge, pause, freeze, end it, want it again.

Each verb has a form of its own (`web/verbs.py`): a page, or with scripts a dialog. Each route is one command, safe to
repeat under its command id.
"""

from dataclasses import dataclass, replace

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from pointsman.contract import IdPrefix, new_id

from controlplane.domain.commands import (
    CompleteTask,
    EditTask,
    FailTask,
    GiveHelp,
    HoldTask,
    LiftHold,
    NudgeRun,
    RemoveBlocker,
    ReopenTask,
    RestartRun,
)
from controlplane.domain.state import HoldKind
from controlplane.queries.assignable import Assignable, assignable_to
from controlplane.queries.task import TaskView
from web.frame import make_frame
from web.pages.access import Signed, Stationed
from web.pages.posted import PostedForm
from web.pages.replies import done, is_htmx
from web.pages.sending import send
from web.pages.tasks import find_task_id, load_task
from web.station import Station
from web.verbs import Verb, find_verb

router = APIRouter(prefix="/tasks/{ref}")


@dataclass(frozen=True, slots=True)
class VerbForm:
    """The form of one verb, as it is shown."""

    verb: Verb
    task: TaskView
    command_id: str
    agents: tuple[Assignable, ...] = ()
    reviewers: tuple[str, ...] = ()  # as one types them
    first_pass: str = ""
    chosen: str = ""  # what the form begins with, where there is a choice


@router.get("/operate/{name}", response_class=HTMLResponse)
async def show_form(
    request: Request, station: Stationed, person: Signed, ref: str, name: str, chosen: str = ""
) -> HTMLResponse:
    """The form of one verb: a page, or with scripts a dialog's content."""
    verb = find_verb(name)
    if verb is None:
        raise HTTPException(404)
    task = await load_task(station, person, await find_task_id(station, person, ref))
    if not verb.is_possible(task):
        raise HTTPException(409, f"{verb.label} is not possible now: {ref} has changed since.")
    form = await _filled(VerbForm(verb, task, new_id(IdPrefix.COMMAND), chosen=chosen[:100]), station)
    if is_htmx(request):
        return HTMLResponse(station.renderer.part("task/operate.html", "form", form))
    frame = await make_frame(request, station, person, "task")
    return HTMLResponse(station.renderer.page("task/operate_page.html", frame=frame, form=form))


async def _filled(form: VerbForm, station: Station) -> VerbForm:
    """With what the fields of this verb begin with."""
    state = form.task.state
    if form.verb.name == "assign":
        async with station.control.reading() as session:
            return replace(form, agents=await assignable_to(session, state, station.clock.now_ms()))
    if form.verb.name != "reviewers":
        return form
    directory = await station.commands.directory(state.workspace_id)
    handles = {one.id: f"@{handle}" for handle, one in (*directory.people.items(), *directory.agents.items())}
    first = state.review.first_pass
    return replace(
        form,
        reviewers=tuple(handles.get(one.id, one.id) for one in state.review.reviewers),
        first_pass=handles.get(first.id, first.id) if first else "",
    )


@router.post("/assign")
async def assign(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """To an agent, or to whoever is able; the old run's key dies."""
    task = await station.commands.assign(
        person.actor,
        posted.command_id,
        ref,
        posted.text("agent") or None,
        person.workspace_id,
        reason=posted.text("reason"),
    )
    return await done(request, station, person, task.task_id, f"T-{task.number}")


@router.post("/restart")
async def restart(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """From the last checkpoint, or from nothing."""
    command = RestartRun(posted.text("from") != "nothing", posted.text("reason"))
    return await send(request, station, person, ref, posted, command)


@router.post("/nudge")
async def nudge(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """A word to the agent at work."""
    if not posted.text("note"):
        raise HTTPException(400, "Say what the agent should hear.")
    return await send(request, station, person, ref, posted, NudgeRun(posted.text("note")))


@router.post("/hold")
async def hold(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """It stands still until somebody resumes it."""
    return await send(request, station, person, ref, posted, HoldTask(HoldKind.OPERATOR, posted.text("reason")))


@router.post("/resume")
async def resume(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Lifts one hold; the others stay."""
    kind = posted.choice("kind", HoldKind) if posted.text("kind") else HoldKind.OPERATOR
    return await send(request, station, person, ref, posted, LiftHold(kind, posted.text("reason")))


@router.post("/freeze")
async def freeze(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """With its sub-tasks, at once."""
    task_id = await find_task_id(station, person, ref)
    await station.commands.freeze(
        person.actor, posted.command_id, "task", task_id, posted.text("reason"), person.workspace_id
    )
    return await done(request, station, person, task_id, ref)


@router.post("/thaw")
async def thaw(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """What was frozen goes on: this task, or the task, agent or workspace that it was frozen with."""
    task_id = await find_task_id(station, person, ref)
    command_id, reason = posted.command_id, posted.text("reason")
    match posted.text("scope"):
        case "workspace":
            await station.commands.thaw(person.actor, command_id, "workspace", "", reason, person.workspace_id)
        case "agent":
            agent = posted.text("root")
            await station.commands.thaw(person.actor, command_id, "agent", agent, reason, person.workspace_id)
        case _:
            root = posted.text("root") or ref
            await station.commands.thaw(person.actor, command_id, "task", root, reason, person.workspace_id)
    return await done(request, station, person, task_id, ref)


@router.post("/unblock")
async def unblock(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Not for that task any more."""
    blocker_id = await find_task_id(station, person, posted.text("blocker"))
    return await send(request, station, person, ref, posted, RemoveBlocker(blocker_id))


@router.post("/help")
async def give_help(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """It may go on after it called for a person."""
    return await send(request, station, person, ref, posted, GiveHelp(posted.text("note")))


@router.post("/priority")
async def set_priority(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Only the priority."""
    return await send(request, station, person, ref, posted, EditTask(priority=posted.number("priority", 3)))


@router.post("/complete")
async def complete(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Done without its review."""
    return await send(request, station, person, ref, posted, CompleteTask(posted.text("reason")))


@router.post("/fail")
async def give_up(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """It could not be done."""
    return await send(request, station, person, ref, posted, FailTask(posted.text("reason")))


@router.post("/cancel")
async def cancel(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """It is not wanted any more, with or without its sub-tasks."""
    task = await station.commands.cancel_tree(
        person.actor,
        posted.command_id,
        ref,
        posted.text("reason"),
        person.workspace_id,
        with_subtasks=bool(posted.text("with_subtasks")),
    )
    return await done(request, station, person, task.task_id, f"T-{task.number}")


@router.post("/reopen")
async def reopen(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """It is wanted again."""
    return await send(request, station, person, ref, posted, ReopenTask(posted.text("reason")))
