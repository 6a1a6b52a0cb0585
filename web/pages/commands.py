"""What a person writes into a task: a new one, its words, what it waits for, comments.

Each route is one command, safe to repeat under its command id. Verbs of a task under way stand in `operate.py`.
"""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from controlplane.access.people import Person
from controlplane.commands.desk import CommandRefused
from controlplane.domain.commands import EditTask, MoveTask, RemoveBlocker
from controlplane.domain.state import TaskStatus
from controlplane.queries.agents import plates_of
from web.pages.access import Signed, Stationed
from web.pages.posted import Posted, PostedForm
from web.pages.replies import Toast, done, is_htmx, toast
from web.pages.sending import send
from web.pages.tasks import NewTaskForm, find_task_id, new_task_page
from web.rendering import partial
from web.station import Station

router = APIRouter(prefix="/tasks")


@router.post("")
async def create(request: Request, station: Stationed, person: Signed, posted: PostedForm) -> Response:
    """A new task; a form that is refused comes back as it was, with the reason."""
    try:
        task = await station.commands.create_task(
            person.actor,
            posted.command_id,
            person.workspace_id,
            None,
            posted.text("title"),
            brief=posted.text("brief"),
            needs=posted.words("needs"),
            priority=posted.number("priority", 3),
            agent=posted.text("agent") or None,
            blockers=posted.words("blockers"),
            to_backlog=bool(posted.text("to_backlog")),
        )
    except CommandRefused as refusal:
        return await _form_again(request, station, person, posted, refusal.refusal.message)
    if not is_htmx(request):
        return RedirectResponse("/", 303)
    shown = await done(request, station, person, task.task_id, f"T-{task.number}")
    said = Toast(f"T-{task.number} created.", link=f"/tasks/T-{task.number}", link_text="Open")
    return HTMLResponse(bytes(shown.body).decode() + toast(station, said))


async def _form_again(request: Request, station: Station, person: Person, posted: Posted, reason: str) -> HTMLResponse:
    async with station.control.reading() as session:
        plates = await plates_of(session, person.workspace_id)
    form = NewTaskForm(
        command_id=posted.command_id,
        agents=plates,
        title=posted.text("title"),
        brief=posted.text("brief"),
        agent=posted.text("agent"),
        priority=posted.number("priority", 3),
        needs=posted.text("needs"),
        blockers=posted.text("blockers"),
        error=reason,
    )
    if is_htmx(request):
        return HTMLResponse(
            partial("#new-task", "outerHTML", station.renderer.part("task/forms.html", "new_task", form)), 409
        )
    return await new_task_page(request, station, person, form, 409)


@router.post("/{ref}/move")
async def move(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Between backlog and ready, or out of an agent's hands."""
    return await send(request, station, person, ref, posted, MoveTask(posted.choice("to", TaskStatus)))


@router.post("/{ref}/edit")
async def edit(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Title, brief, needs and priority."""
    command = EditTask(
        title=posted.text("title"),
        brief=posted.text("brief"),
        needs=tuple(need.lower() for need in posted.words("needs")),
        priority=posted.number("priority", 3),
    )
    return await send(request, station, person, ref, posted, command)


@router.post("/{ref}/blockers")
async def wait_for(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Other tasks come first; a circle is refused with its path."""
    task = await station.commands.add_blockers(
        person.actor, posted.command_id, ref, posted.words("blockers"), person.workspace_id
    )
    return await done(request, station, person, task.task_id, f"T-{task.number}")


@router.post("/{ref}/blockers/{blocker}/remove")
async def stop_waiting(
    request: Request, station: Stationed, person: Signed, ref: str, blocker: str, posted: PostedForm
) -> Response:
    """Not for that one any more."""
    blocker_id = await find_task_id(station, person, blocker)
    return await send(request, station, person, ref, posted, RemoveBlocker(blocker_id))


@router.post("/{ref}/comments")
async def comment(request: Request, station: Stationed, person: Signed, ref: str, posted: PostedForm) -> Response:
    """Words for people and agents; `@handle` calls somebody."""
    await station.commands.comment(person.actor, posted.command_id, ref, posted.text("text"), person.workspace_id)
    return await done(request, station, person, await find_task_id(station, person, ref), ref)
