"""A task's page, and the forms that need a page of their own."""

from dataclasses import dataclass

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse
from pointsman.contract import IdPrefix, new_id
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.people import Person
from controlplane.queries.agents import plates_of
from controlplane.queries.card import CardView, Plate
from controlplane.queries.cards import card_of, one_task, usage_by_task
from controlplane.queries.rows import first_row
from controlplane.queries.task import TaskView, task_id_of, task_view
from web.frame import make_frame
from web.live.task import TaskSource
from web.pages.access import Signed, Stationed
from web.pages.filters import Selected, selection_query
from web.pages.replies import is_htmx
from web.station import Station

router = APIRouter(prefix="/tasks")


@dataclass(frozen=True, slots=True)
class NewTaskForm:
    """The form for a new task as it is shown: empty, or as it was sent with what is wrong with it."""

    command_id: str
    agents: tuple[Plate, ...]
    title: str = ""
    brief: str = ""
    agent: str = ""
    priority: int = 3
    needs: str = ""
    blockers: str = ""
    error: str = ""


@router.get("/new", response_class=HTMLResponse)
async def show_new_task(request: Request, station: Stationed, person: Signed) -> HTMLResponse:
    """The form for a new task: a page, or with scripts a dialog's content."""
    async with station.control.reading() as session:
        plates = await plates_of(session, person.workspace_id)
    form = NewTaskForm(new_id(IdPrefix.COMMAND), plates)
    return await new_task_page(request, station, person, form, 200)


async def new_task_page(
    request: Request, station: Station, person: Person, form: NewTaskForm, status: int
) -> HTMLResponse:
    """The form in its frame, or alone."""
    if is_htmx(request):
        return HTMLResponse(station.renderer.part("task/forms.html", "new_task", form), status)
    frame = await make_frame(request, station, person, "new")
    return HTMLResponse(station.renderer.page("task/new.html", frame=frame, form=form), status)


@router.get("/{ref}", response_class=HTMLResponse)
async def show_task(request: Request, station: Stationed, person: Signed, ref: str, selected: Selected) -> HTMLResponse:
    """Everything about one task."""
    task_id = await find_task_id(station, person, ref)
    source = TaskSource(person.workspace_id, person.user_id, task_id, selected, station)
    await station.hub.channel(source)
    frame = await make_frame(request, station, person, "task", f"/live/tasks/{ref}", selection_query(selected))
    shown = await source.view()
    if shown is None:
        raise HTTPException(404, "There is no such task.")
    command_id = new_id(IdPrefix.COMMAND)
    page = station.renderer.page("task/page.html", frame=frame, shown=shown, task=shown.task, command_id=command_id)
    return HTMLResponse(page)


@router.get("/{ref}/actions", response_class=HTMLResponse)
async def show_actions(request: Request, station: Stationed, person: Signed, ref: str) -> HTMLResponse:
    """What can be done with a card from where it stands: what dragging does, for keyboard, touch and no scripts."""
    task_id = await find_task_id(station, person, ref)
    async with station.control.reading() as session:
        card = await _card(session, person.workspace_id, task_id)
    if is_htmx(request):
        return HTMLResponse(station.renderer.part("task/forms.html", "actions", card))
    frame = await make_frame(request, station, person, "task")
    return HTMLResponse(station.renderer.page("task/actions_page.html", frame=frame, card=card))


async def find_task_id(station: Station, person: Person, ref: str) -> str:
    """The task that the address names. Raises 404."""
    async with station.control.reading() as session:
        task_id = await task_id_of(session, person.workspace_id, ref)
    if task_id is None:
        raise HTTPException(404, f"There is no task {ref!r}.")
    return task_id


async def load_task(station: Station, person: Person, task_id: str) -> TaskView:
    """The view of a task that exists."""
    async with station.control.reading() as control, station.calls.reading() as calls:
        now_ms = station.clock.now_ms()
        task = await task_view(control, calls, person.workspace_id, task_id, now_ms, person.user_id)
    if task is None:
        raise HTTPException(404, "There is no such task.")
    return task


async def _card(session: AsyncSession, workspace_id: str, task_id: str) -> CardView:
    row = await first_row(session, one_task(workspace_id, task_id))
    if row is None:
        raise HTTPException(404, "There is no such task.")
    return card_of(row, await first_row(session, usage_by_task(task_id)))
