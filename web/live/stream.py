"""The endpoints behind `hx-sse:connect`: server-sent events with an id, resumable by `Last-Event-ID`."""

from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException
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


class Browser:
    """Whose page is followed, and from where on: from what the browser saw last, or what its page was made from."""

    def __init__(
        self,
        station: Stationed,
        person: Signed,
        after: int,
        last_event_id: Annotated[str, Header(alias="Last-Event-ID")] = "",
    ) -> None:
        self.station, self.user_id, self.workspace_id = station, person.user_id, person.workspace_id
        self._after, self._last_event_id = after, last_event_id

    def follow(self, *page: Source[Any]) -> StreamingResponse:
        """A page's stream, with what stands around every page: bell, spending, restarts."""
        sources = [*page, ShellSource(self.workspace_id, self.user_id, self.station)]
        positions = read_positions(self._last_event_id, len(sources)) or [self._after] * len(sources)
        messages = _messages(self.station.hub, sources, positions)
        return StreamingResponse(messages, media_type="text/event-stream", headers=HEADERS)


Following = Annotated[Browser, Depends()]


@router.get("/frame")
async def follow_frame(browser: Following) -> StreamingResponse:
    """Only what stands around every page."""
    return browser.follow()


@router.get("/board")
async def follow_board(browser: Following, wanted: FilteredBoard) -> StreamingResponse:
    """A board through one filter."""
    return browser.follow(BoardSource(browser.workspace_id, wanted, browser.station))


@router.get("/inbox")
async def follow_inbox(browser: Following, kind: str = "", item: str = "") -> StreamingResponse:
    """One person's inbox."""
    kind = kind if kind in KINDS else ""
    return browser.follow(InboxSource(browser.workspace_id, browser.user_id, kind, item, browser.station))


@router.get("/tasks/{ref}")
async def follow_task(browser: Following, ref: str, selection: Selected) -> StreamingResponse:
    """One task's page."""
    async with browser.station.control.reading() as session:
        task_id = await task_id_of(session, browser.workspace_id, ref)
    if task_id is None:
        raise HTTPException(404)
    return browser.follow(TaskSource(browser.workspace_id, browser.user_id, task_id, selection, browser.station))


@router.get("/agents")
async def follow_fleet(browser: Following, kind: str = "") -> StreamingResponse:
    """Every agent."""
    return browser.follow(FleetSource(browser.workspace_id, kind if kind in FLEET_KINDS else "", browser.station))


@router.get("/agents/{agent_id}")
async def follow_agent(browser: Following, agent_id: str) -> StreamingResponse:
    """One agent's page."""
    return browser.follow(AgentSource(browser.workspace_id, agent_id[:60], browser.station))


@router.get("/recurring")
async def follow_recurring(browser: Following) -> StreamingResponse:
    """All that recurs."""
    return browser.follow(RecurringSource(browser.workspace_id, "", browser.station))


@router.get("/recurring/{recurring_id}")
async def follow_one_recurring(browser: Following, recurring_id: str) -> StreamingResponse:
    """The ledger of one."""
    return browser.follow(RecurringSource(browser.workspace_id, recurring_id[:60], browser.station))


async def _messages(hub: Hub, sources: Sequence[Source[Any]], positions: Sequence[int]) -> AsyncIterator[bytes]:
    async with hub.viewer(sources, positions) as viewer:
        async for message in viewer.messages():
            yield message
