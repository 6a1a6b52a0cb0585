"""The endpoints behind `hx-sse:connect`: server-sent events with an id, resumable by `Last-Event-ID`."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, HTTPException
from starlette.responses import StreamingResponse

from controlplane.queries.agent_view import KINDS as FLEET_KINDS
from controlplane.queries.bell import KINDS
from controlplane.queries.task import task_id_of
from web.live.board import BoardSource
from web.live.channel import Source
from web.live.fleet import AgentSource, FleetSource
from web.live.hub import Hub
from web.live.inbox import InboxSource
from web.live.recurring import RecurringSource
from web.live.shell import ShellSource
from web.live.task import TaskSource
from web.live.viewer import read_positions
from web.pages.access import Signed, Stationed
from web.pages.filters import FilteredBoard, Selected

router = APIRouter(prefix="/live")

HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
LastEventId = Annotated[str, Header(alias="Last-Event-ID")]


@router.get("/frame")
async def follow_frame(
    station: Stationed, person: Signed, after: int, last_event_id: LastEventId = ""
) -> StreamingResponse:
    """Only what stands around every page: bell, spending, restarts."""
    frame = ShellSource(person.workspace_id, person.user_id, station)
    return stream(station.hub, [frame], last_event_id, after)


@router.get("/board")
async def follow_board(
    station: Stationed, person: Signed, wanted: FilteredBoard, after: int, last_event_id: LastEventId = ""
) -> StreamingResponse:
    """A board through one filter."""
    board = BoardSource(person.workspace_id, wanted, station)
    frame = ShellSource(person.workspace_id, person.user_id, station)
    return stream(station.hub, [board, frame], last_event_id, after)


@router.get("/inbox")
async def follow_inbox(
    station: Stationed, person: Signed, after: int, kind: str = "", item: str = "", last_event_id: LastEventId = ""
) -> StreamingResponse:
    """One person's inbox."""
    inbox = InboxSource(person.workspace_id, person.user_id, kind if kind in KINDS else "", item, station)
    frame = ShellSource(person.workspace_id, person.user_id, station)
    return stream(station.hub, [inbox, frame], last_event_id, after)


@router.get("/tasks/{ref}")
async def follow_task(
    station: Stationed, person: Signed, ref: str, selection: Selected, after: int, last_event_id: LastEventId = ""
) -> StreamingResponse:
    """One task's page."""
    async with station.control.reading() as session:
        task_id = await task_id_of(session, person.workspace_id, ref)
    if task_id is None:
        raise HTTPException(404)
    task = TaskSource(person.workspace_id, person.user_id, task_id, selection, station)
    frame = ShellSource(person.workspace_id, person.user_id, station)
    return stream(station.hub, [task, frame], last_event_id, after)


@router.get("/agents")
async def follow_fleet(
    station: Stationed, person: Signed, after: int, kind: str = "", last_event_id: LastEventId = ""
) -> StreamingResponse:
    """Every agent."""
    fleet = FleetSource(person.workspace_id, kind if kind in FLEET_KINDS else "", station)
    frame = ShellSource(person.workspace_id, person.user_id, station)
    return stream(station.hub, [fleet, frame], last_event_id, after)


@router.get("/agents/{agent_id}")
async def follow_agent(
    station: Stationed, person: Signed, agent_id: str, after: int, last_event_id: LastEventId = ""
) -> StreamingResponse:
    """One agent's page."""
    agent = AgentSource(person.workspace_id, agent_id[:60], station)
    frame = ShellSource(person.workspace_id, person.user_id, station)
    return stream(station.hub, [agent, frame], last_event_id, after)


@router.get("/recurring")
async def follow_recurring(
    station: Stationed, person: Signed, after: int, last_event_id: LastEventId = ""
) -> StreamingResponse:
    """All that recurs."""
    return await follow_one_recurring(station, person, "", after, last_event_id)


@router.get("/recurring/{recurring_id}")
async def follow_one_recurring(
    station: Stationed, person: Signed, recurring_id: str, after: int, last_event_id: LastEventId = ""
) -> StreamingResponse:
    """The ledger of one."""
    recurring = RecurringSource(person.workspace_id, recurring_id[:60], station)
    frame = ShellSource(person.workspace_id, person.user_id, station)
    return stream(station.hub, [recurring, frame], last_event_id, after)


def stream(hub: Hub, sources: Sequence[Source[Any]], last_event_id: str, after: int) -> StreamingResponse:
    """The stream of some sources, from where the browser stands: what it saw last, or what its page was made from."""
    positions = read_positions(last_event_id, len(sources)) or [after] * len(sources)
    return StreamingResponse(_messages(hub, sources, positions), media_type="text/event-stream", headers=HEADERS)


async def _messages(hub: Hub, sources: Sequence[Source[Any]], positions: Sequence[int]) -> AsyncIterator[bytes]:
    async with hub.viewer(sources, positions) as viewer:
        async for message in viewer.messages():
            yield message
