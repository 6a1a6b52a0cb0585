"""Does once what no workflow recognises when it is repeated: agents, teams, keys' revocation, freezes.

The first answer to an `Idempotency-Key` is kept for a day and given again. Every such act leaves the same behind when
it is done twice, so a process that is killed between the act and the row loses nothing: the repeated request acts
again. What was refused is not kept: the corrected request may use the same key.
"""

from collections.abc import Awaitable, Callable

from fastapi import Response
from pointsman.contract import ErrorCode
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.callers import Caller
from controlplane.api.deps import ApiDeps
from controlplane.commands.desk import refused
from controlplane.domain.commands import CONTENT_MARK
from controlplane.store.tables import AnsweredRequest
from controlplane.store.upsert import insert_into, table_of

KEPT_MS = 24 * 3600 * 1000


async def once(deps: ApiDeps, caller: Caller, command_id: str, act: Callable[[], Awaitable[Response]]) -> Response:
    """The answer of `act`, or the one that this command had before. Raises CommandRefused(idempotency_mismatch)."""
    name, mark, asked = command_id.partition(CONTENT_MARK)
    if not mark:
        return await act()  # the client chose no id, so nobody can repeat it
    async with deps.control.reading() as session:
        earlier = await session.get(AnsweredRequest, name)
    if earlier is not None:
        return _again(earlier, asked)
    response = await act()
    async with deps.control.transaction() as session:
        await _keep(session, caller, name, asked, response, deps.clock.now_ms())
    return response


def _again(earlier: AnsweredRequest, asked: str) -> Response:
    if earlier.asked != asked:
        raise refused(ErrorCode.IDEMPOTENCY_MISMATCH, "This Idempotency-Key was used for another request.")
    media_type = "application/json" if earlier.answer else None
    return Response(earlier.answer or None, earlier.status, media_type=media_type)


async def _keep(session: AsyncSession, caller: Caller, name: str, asked: str, response: Response, now_ms: int) -> None:
    """Two that came at the same time have left the same; the first answer stands."""
    row = {
        "command_id": name,
        "workspace_id": caller.workspace_id,
        "asked": asked,
        "status": response.status_code,
        "answer": bytes(response.body).decode(),
        "at_ms": now_ms,
    }
    await session.execute(insert_into(session, AnsweredRequest).values(**row).on_conflict_do_nothing())
    answered = table_of(AnsweredRequest)
    await session.execute(delete(answered).where(answered.c.at_ms < now_ms - KEPT_MS))
