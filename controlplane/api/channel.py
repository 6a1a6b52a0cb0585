"""`/agents/me/channel`: the agent's WebSocket. It only makes things faster; everything it says can be asked for too.

    server → agent   {"type": "work_available"}              something this agent could claim
                     {"type": "lease_lost", "run_id": …}     the task was taken away
                     {"type": "stop", "run_id": …}           a person stopped the run
                     {"type": "answer", "question_id": …}    a person answered, or nobody did in time
                     {"type": "directives", "run_id": …}     beat by HTTP: the answer says what you should know
    agent → server   {"type": "beat", "run_id", "epoch", "progress"?}

Each connection reads what it says from SQL when the feed speaks of its workspace; it remembers only what it has said.
What happened while the agent was away for a moment is told when it comes back.
"""

import asyncio
import logging
from contextlib import suppress
from typing import Any

import msgspec
from fastapi import APIRouter
from pointsman.contract import KeyKind
from starlette.websockets import WebSocket, WebSocketDisconnect

from controlplane.access.callers import Caller
from controlplane.api.callers import come_back, holder_of, known_caller
from controlplane.api.deps import ApiDeps, deps_of
from controlplane.api.tidings import Tidings
from controlplane.commands import CommandRefused
from controlplane.feed.changes import Batch, Resync
from controlplane.store.tables import Run

log = logging.getLogger(__name__)

router = APIRouter(prefix="/agents/me")

POLICY_VIOLATION = 1008
GOING_AWAY = 1012  # "service restart": come back
MAX_MESSAGE_CHARACTERS = 10_000


class _Beat(msgspec.Struct, tag="beat", tag_field="type"):
    run_id: str
    epoch: int
    progress: str | None = None


@router.websocket("/channel")
async def channel(websocket: WebSocket) -> None:
    """Open until either side leaves. A wrong key is refused before the handshake ends."""
    deps = deps_of(websocket)
    try:
        caller = await known_caller(websocket, deps)
    except CommandRefused:
        await websocket.close(POLICY_VIOLATION)
        return
    if caller.kind is not KeyKind.AGENT:
        await websocket.close(POLICY_VIOLATION)
        return
    await websocket.accept()
    try:
        async with asyncio.TaskGroup() as group:
            telling = group.create_task(_tell(websocket, deps, caller), name="channel: tell")
            await _hear(websocket, deps, caller)
            telling.cancel()
    except* WebSocketDisconnect:
        log.debug("an agent left in the middle of a message", extra={"agent_id": caller.agent_id})


async def _tell(websocket: WebSocket, deps: ApiDeps, caller: Caller) -> None:
    away_ms = int(2 * deps.settings.lease_ttl_seconds * 1000)  # an agent that comes back hears what it missed
    tidings = Tidings(deps.control, caller.workspace_id, caller.agent_id or "", deps.clock.now_ms() - away_ms)
    async with deps.feed.subscribe() as changes:
        for message in await tidings.look():
            await websocket.send_json(message)
        async for batch in changes:
            if _is_about(batch, caller.key_id) and not await _is_known(websocket, deps):
                await websocket.close(POLICY_VIOLATION)
                return
            if tidings.concerned(batch):
                for message in await tidings.look():
                    await websocket.send_json(message)
    with suppress(RuntimeError):  # the other side may have closed first
        await websocket.close(GOING_AWAY)


def _is_about(batch: Batch, key_id: str) -> bool:
    return isinstance(batch, Resync) or any(change.topic == "key" and change.subject_id == key_id for change in batch)


async def _is_known(websocket: WebSocket, deps: ApiDeps) -> bool:
    """Is the key still good? A revoked one ends the channel at once."""
    try:
        await known_caller(websocket, deps)
    except CommandRefused:
        return False
    return True


async def _hear(websocket: WebSocket, deps: ApiDeps, caller: Caller) -> None:
    """Until the other side leaves."""
    with suppress(WebSocketDisconnect):
        while True:
            text = await websocket.receive_text()
            reply = await _answer(text, deps, caller)
            if reply is not None:
                await websocket.send_json(reply)


async def _answer(text: str, deps: ApiDeps, caller: Caller) -> dict[str, Any] | None:
    try:
        if len(text) > MAX_MESSAGE_CHARACTERS:
            raise msgspec.ValidationError("too long")
        beat = msgspec.json.decode(text, type=_Beat)
    except msgspec.DecodeError as error:
        return {"type": "error", "detail": f"This message is not understood: {error}."}
    async with deps.control.reading() as session:
        run = await session.get(Run, beat.run_id)
    holder = holder_of(run, caller, beat.epoch) if run and run.agent_id == caller.agent_id else None
    if holder is not None:
        holder = await come_back(deps, holder)
    if holder is None or not holder.is_live:
        return {"type": "lease_lost", "run_id": beat.run_id}
    await deps.beats.beat(holder, beat.progress)
    return None
