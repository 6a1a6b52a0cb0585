"""What every endpoint is handed: the rooms below, who is calling, and the id of its command."""

import hashlib
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Request
from pointsman.contract import (
    EPOCH_HEADER,
    IDEMPOTENCY_HEADER,
    ErrorCode,
    IdPrefix,
    KeyKind,
    basic_token,
    new_id,
)
from starlette.requests import HTTPConnection

from controlplane.access.callers import Caller, authenticate
from controlplane.api.beats import Beats
from controlplane.blobs import DirectoryParts
from controlplane.commands import CommandService
from controlplane.commands.desk import CommandRefused, refused
from controlplane.commands.uploads import Uploads
from controlplane.domain.commands import CONTENT_MARK
from controlplane.domain.state import LIVE
from controlplane.feed.feed import Feed
from controlplane.ports import BlobStore, Clock, TaskEngine
from controlplane.settings import Settings
from controlplane.store.database import Database
from controlplane.store.tables import Run


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """Everything the API stands on. The feed must be running while requests are served."""

    settings: Settings
    control: Database
    calls: Database
    engine: TaskEngine
    feed: Feed
    blobs: BlobStore
    clock: Clock
    master_key: bytes = field(repr=False)
    commands: CommandService = field(init=False)
    beats: Beats = field(init=False)
    uploads: Uploads = field(init=False)

    def __post_init__(self) -> None:
        commands = CommandService(self.control, self.engine, self.blobs, self.clock, self.master_key)
        object.__setattr__(self, "commands", commands)
        object.__setattr__(self, "beats", Beats(commands, self.settings.lease_ttl_seconds))
        parts = DirectoryParts(self.settings.home.uploads)
        uploads = Uploads(self.control, self.blobs, parts, self.clock, self.settings.max_file_bytes)
        object.__setattr__(self, "uploads", uploads)


def deps_of(connection: HTTPConnection) -> ApiDeps:
    """What `create_api` was given."""
    deps: ApiDeps = connection.app.state.deps
    return deps


Deps = Annotated[ApiDeps, Depends(deps_of)]


async def known_caller(connection: HTTPConnection, deps: Deps) -> Caller:
    """The key's holder, even of a run that has ended. Raises CommandRefused(invalid_key)."""
    key = basic_token(connection.headers.get("authorization", ""))
    if key is None:
        raise refused(ErrorCode.INVALID_KEY, "This API wants a key: Authorization: Bearer pm_….")
    async with deps.control.reading() as session:
        caller = await authenticate(session, key)
    if caller is None:
        raise refused(ErrorCode.INVALID_KEY, "This key is not known here, or it was revoked.")
    return caller


async def live_caller(caller: Annotated[Caller, Depends(known_caller)]) -> Caller:
    """The same, but a run that has ended may do nothing any more. Raises CommandRefused(lease_lost)."""
    if not caller.is_live:
        raise lease_lost()
    return caller


async def admin(caller: Annotated[Caller, Depends(live_caller)]) -> Caller:
    """The holder of an admin key. Raises CommandRefused(forbidden)."""
    if caller.kind is not KeyKind.ADMIN:
        raise refused(ErrorCode.FORBIDDEN, "This needs an admin key.")
    return caller


async def run_holder(
    run_id: str, request: Request, caller: Annotated[Caller, Depends(known_caller)], deps: Deps
) -> Caller:
    """Who speaks for the run in the path: its own key, or its agent's key with the epoch in a header."""
    if caller.kind is KeyKind.RUN and caller.run_id == run_id:
        return caller
    if caller.kind is not KeyKind.AGENT:
        raise refused(ErrorCode.FORBIDDEN, "This needs the run's key, or its agent's.")
    async with deps.control.reading() as session:
        run = await session.get(Run, run_id)
    if run is None or run.agent_id != caller.agent_id:
        raise refused(ErrorCode.NOT_FOUND, f"You have no run {run_id!r}.")
    epoch = request.headers.get(EPOCH_HEADER, "")
    if not epoch.isdigit():
        raise refused(ErrorCode.INVALID_REQUEST, f"Say your lease's epoch in {EPOCH_HEADER}.", field=EPOCH_HEADER)
    return holder_of(run, caller, int(epoch))


def holder_of(run: Run, caller: Caller, epoch: int) -> Caller:
    """An agent's key as if it were its run's key."""
    return Caller(
        kind=KeyKind.RUN,
        key_id=run.run_id,
        workspace_id=run.workspace_id,
        name=caller.name,
        agent_id=run.agent_id,
        run_id=run.run_id,
        task_id=run.task_id,
        epoch=epoch,
        is_live=epoch == run.epoch and run.state in LIVE,
    )


async def live_run_holder(caller: Annotated[Caller, Depends(run_holder)]) -> Caller:
    """The same, while the run still holds its task. Raises CommandRefused(lease_lost)."""
    return await live_caller(caller)


async def command_id(request: Request, caller: Annotated[Caller, Depends(known_caller)]) -> str:
    """From the client's `Idempotency-Key`, within its key and this endpoint: two clients may both count from 1.

    Its end says what was asked, so that the same key with another body is refused and not taken for a retry.
    """
    key = request.headers.get(IDEMPOTENCY_HEADER)
    if key is None:
        return new_id(IdPrefix.COMMAND)
    owner = f"{caller.agent_id or caller.key_id}|{request.method} {request.url.path}|{key}"
    asked = hashlib.sha256(await request.body()).hexdigest()[:12]
    return f"cmd_{hashlib.sha256(owner.encode()).hexdigest()[:32]}{CONTENT_MARK}{asked}"


def lease_lost() -> CommandRefused:
    """What an ended run is told: stop."""
    return refused(ErrorCode.LEASE_LOST, "This run no longer holds its task. Stop working on it.")


KnownCaller = Annotated[Caller, Depends(known_caller)]
LiveCaller = Annotated[Caller, Depends(live_caller)]
Admin = Annotated[Caller, Depends(admin)]
RunHolder = Annotated[Caller, Depends(run_holder)]
LiveRunHolder = Annotated[Caller, Depends(live_run_holder)]
CommandId = Annotated[str, Depends(command_id)]
