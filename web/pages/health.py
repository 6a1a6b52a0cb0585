"""For the supervisor and for load balancers: is the process there, and can it do its work?"""

import asyncio

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from controlplane.ports import EngineUnavailable
from web.pages.access import Stationed

router = APIRouter()

ENGINE_SECONDS = 2.0
_NO_TASK = "t_00000000000000000000000000"


@router.get("/healthz")
async def healthz() -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


@router.get("/readyz")
async def readyz(station: Stationed) -> PlainTextResponse:
    """Database and engine answer. Without the engine pages can still be read, so a 503 here stops no reader."""
    problems = [name for name, is_well in (await _database(station), await _engine(station)) if not is_well]
    return PlainTextResponse(f"not ready: {', '.join(problems)}\n" if problems else "ready\n", 503 if problems else 200)


async def _database(station: Stationed) -> tuple[str, bool]:
    try:
        async with station.control.reading() as session:
            await session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        return "database", False
    return "database", True


async def _engine(station: Stationed) -> tuple[str, bool]:
    try:
        async with asyncio.timeout(ENGINE_SECONDS):
            await station.commands.engine.snapshot(_NO_TASK)
    except (EngineUnavailable, TimeoutError):
        return "engine", False
    return "engine", True
