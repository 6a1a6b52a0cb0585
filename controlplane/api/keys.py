"""`/keys`: made and shown once, recognised by their tails, revoked for good."""

import hashlib
import hmac
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pointsman.contract import ErrorCode, KeyKind
from sqlalchemy import RowMapping, select

from controlplane.access.agents import register_agent
from controlplane.access.keys import create_key, revoke_key
from controlplane.api.agents import checked_name
from controlplane.api.bodies import workspace as bodies
from controlplane.api.callers import PEOPLE, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import Deps
from controlplane.api.described import operation
from controlplane.api.once import once
from controlplane.api.paging import Page, read_page
from controlplane.api.views import answer, iso
from controlplane.api.views.agents import KeyPage, KeyView, NewKeyView
from controlplane.commands.desk import refused
from controlplane.domain.commands import without_content
from controlplane.store.tables import Agent, Key
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/keys", tags=["keys"])

KEYS, AGENTS = table_of(Key).c, table_of(Agent).c
KeyId = Annotated[str, Path(min_length=1, max_length=60, examples=["k_01JD3Z6Y7Q"])]


@router.post("", **operation("key_create", PEOPLE, NewKeyView, status=201))
async def create(body: bodies.NewKey, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Makes a key. Only this answer holds it; the same `Idempotency-Key` gives the same key again."""
    kind = KeyKind(body.kind)
    if (kind is KeyKind.AGENT) is not (body.agent is not None):
        raise refused(ErrorCode.INVALID_REQUEST, "An agent's key names its agent, an admin's does not.", field="agent")
    agent = checked_name(body.agent) if body.agent is not None else None
    name = body.name or agent or "admin"
    # Derived and not stored: whoever asks again under the same id can be answered, whoever reads the database cannot.
    secret = hmac.new(deps.master_key, f"key|{kind}|{without_content(command_id)}".encode(), hashlib.sha256).digest()
    now_ms = deps.clock.now_ms()
    try:
        async with deps.control.transaction() as session:
            agent_id = None
            if agent is not None:
                agent_id = (await register_agent(session, caller.workspace_id, agent, now_ms)).agent_id
            plain = await create_key(session, kind, caller.workspace_id, name, now_ms, agent_id, secret)
    except ValueError:
        raise refused(ErrorCode.IDEMPOTENCY_MISMATCH, "This Idempotency-Key was used for another key.") from None
    return answer(NewKeyView(key=plain, kind=body.kind, agent=agent, name=name), 201)


@router.get("", **operation("key_list", PEOPLE, KeyPage))
async def list_keys(caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """All keys by their tails, the oldest first; also revoked ones. Keys of runs come and go with them."""
    query = (
        select(*KEYS, AGENTS.name.label("agent"))
        .select_from(table_of(Key).outerjoin(table_of(Agent), AGENTS.agent_id == KEYS.agent_id))
        .where(KEYS.workspace_id == caller.workspace_id)
    )
    async with deps.control.reading() as session:
        rows, next_cursor = await read_page(session, query, [KEYS.created_at_ms, KEYS.key_id], page)
    return answer(KeyPage(keys=[_view(row) for row in rows], next_cursor=next_cursor))


def _view(row: RowMapping) -> KeyView:
    return KeyView(
        key_id=row["key_id"],
        kind=row["kind"],
        agent=row["agent"],
        name=row["name"],
        tail=row["tail"],
        created_at=iso(row["created_at_ms"]),
        revoked_at=iso(row["revoked_at_ms"]),
    )


@router.delete("/{key_id}", **operation("key_revoke", PEOPLE, status=204, refuses=(ErrorCode.NOT_FOUND,)))
async def revoke(key_id: KeyId, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """The key stops working: here at once, at the gateway within a second."""

    async def act() -> Response:
        async with deps.control.transaction() as session:
            is_revoked = await revoke_key(session, caller.workspace_id, key_id, deps.clock.now_ms())
        if not is_revoked:
            raise refused(ErrorCode.NOT_FOUND, f"There is no key {key_id!r}, or it was revoked before.")
        return Response(status_code=204)

    return await once(deps, caller, command_id, act)
