"""Who is calling, and who is let in.

| key | may |
|---|---|
| admin | everything but what a run says of itself: a person's script |
| agent | read, make tasks, say something, review what it is asked to, and speak for itself and for its own runs |
| run | read its own task and those beside it, say something there, and speak for itself |

Each endpoint names whom it lets in (`api/described.py`); what a task's rules forbid besides is the domain's to say.
"""

from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Header, Request
from pointsman.contract import EPOCH_HEADER, ErrorCode, KeyKind, basic_token
from starlette.requests import HTTPConnection

from controlplane.access.callers import Caller, authenticate
from controlplane.api.deps import ApiDeps, Deps
from controlplane.commands.desk import CommandRefused, refused
from controlplane.domain.state import LIVE
from controlplane.store.states import state_of
from controlplane.store.tables import Run


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


KnownCaller = Annotated[Caller, Depends(known_caller)]


async def live_caller(caller: KnownCaller) -> Caller:
    """The same, but a run that has ended may do nothing any more. Raises CommandRefused(lease_lost)."""
    if not caller.is_live:
        raise lease_lost()
    return caller


LiveCaller = Annotated[Caller, Depends(live_caller)]


class LetIn:
    """Lets the holders of some kinds of keys in. Raises CommandRefused(forbidden)."""

    def __init__(self, *kinds: KeyKind) -> None:
        self.kinds = frozenset(kinds)

    async def __call__(self, request: Request, caller: KnownCaller, deps: Deps) -> None:
        if caller.kind not in self.kinds:
            wanted = " or ".join(_words(kind) for kind in KeyKind if kind in self.kinds)
            raise refused(ErrorCode.FORBIDDEN, f"This needs {wanted}; yours is {_words(caller.kind)}.")
        ref = request.path_params.get("ref")
        if caller.kind is KeyKind.RUN and ref is not None and caller.is_live:
            await _check_neighbour(deps, caller, ref, is_reading=request.method == "GET")


PEOPLE = LetIn(KeyKind.ADMIN)
AGENTS = LetIn(KeyKind.AGENT)
PEOPLE_AND_AGENTS = LetIn(KeyKind.ADMIN, KeyKind.AGENT)
RUNS = LetIn(KeyKind.AGENT, KeyKind.RUN)  # a run speaks with its own key, or with its agent's and the epoch
EVERYBODY = LetIn(KeyKind.ADMIN, KeyKind.AGENT, KeyKind.RUN)


async def _check_neighbour(deps: ApiDeps, caller: Caller, ref: str, *, is_reading: bool) -> None:
    """A run acts on its own task, and reads besides what it builds on: parent, sub-tasks, blockers."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    if task.task_id == caller.task_id:
        return
    async with deps.control.reading() as session:
        own, other = await state_of(session, caller.task_id or ""), await state_of(session, task.task_id)
    is_beside = own is not None and (task.task_id == own.parent_id or task.task_id in own.blockers)
    is_part = other is not None and other.parent_id == caller.task_id
    if not (is_reading and (is_beside or is_part)):
        raise refused(ErrorCode.FORBIDDEN, f"{task.ref} is not the task of this run.")


async def run_holder(
    run_id: str,
    caller: KnownCaller,
    deps: Deps,
    epoch: Annotated[
        str | None,
        Header(
            alias=EPOCH_HEADER,
            pattern=r"^[0-9]{1,9}$",
            description="The lease's epoch; with an agent's key only.",
            examples=["2"],
        ),
    ] = None,
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
    if epoch is None:
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


RunHolder = Annotated[Caller, Depends(run_holder)]


async def live_run_holder(caller: RunHolder) -> Caller:
    """The same, while the run still holds its task. Raises CommandRefused(lease_lost)."""
    return await live_caller(caller)


LiveRunHolder = Annotated[Caller, Depends(live_run_holder)]


async def come_back(deps: ApiDeps, caller: Caller) -> Caller:
    """A run that was thought lost is heard of again: it goes on, live, unless somebody has taken over."""
    if caller.is_live or not await deps.commands.resume_run(caller):
        return caller
    return replace(caller, is_live=True)


def lease_lost() -> CommandRefused:
    """What an ended run is told: stop."""
    return refused(ErrorCode.LEASE_LOST, "This run no longer holds its task. Stop working on it.")


def _words(kind: KeyKind) -> str:
    return f"{'a' if kind is KeyKind.RUN else 'an'} {kind} key"
