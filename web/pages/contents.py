"""A deliverable's content as it was handed in: to be downloaded, or an image to be seen in its page."""

from collections.abc import Sequence

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import Response

from controlplane.api.contents import Served, serve_content
from controlplane.queries.deliverables import DeliverableView, LateView, deliverables_of, late_of
from web.pages.access import Signed, Stationed
from web.pages.tasks import find_task_id
from web.station import Station

router = APIRouter(prefix="/tasks/{ref}")


@router.get("/v{version:int}")
async def version(
    request: Request, station: Stationed, person: Signed, ref: str, version: int, inline: str = ""
) -> Response:
    """One version."""
    task_id = await find_task_id(station, person, ref)
    async with station.control.reading() as session:
        found = [one for one in await deliverables_of(session, task_id) if one.version == version]
    return await _serve(request, station, found, f"{ref}-v{version}", is_inline=bool(inline))


@router.get("/late/{sha256}")
async def late(
    request: Request, station: Stationed, person: Signed, ref: str, sha256: str, inline: str = ""
) -> Response:
    """What came too late."""
    task_id = await find_task_id(station, person, ref)
    async with station.control.reading() as session:
        found = [one for one in await late_of(session, task_id) if one.sha256 == sha256]
    return await _serve(request, station, found, f"{ref}-late", is_inline=bool(inline))


async def _serve(
    request: Request, station: Station, found: Sequence[DeliverableView | LateView], stem: str, *, is_inline: bool
) -> Response:
    if not found:
        raise HTTPException(404, "There is no such version.")
    one = found[0]
    served = Served(one.sha256, one.kind, one.name, one.media_type, stem)
    return await serve_content(request, station.blobs, served, inline=is_inline)
