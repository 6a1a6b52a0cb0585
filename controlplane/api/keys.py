"""`/keys`: made and shown once, recognised by their tails, revoked for good."""

from fastapi import APIRouter, Depends, Response
from pointsman.contract import ErrorCode, KeyKind
from sqlalchemy import select

from controlplane.access.agents import register_agent
from controlplane.access.keys import create_key, revoke_key
from controlplane.api import bodies
from controlplane.api.agents import checked_name
from controlplane.api.callers import PEOPLE, LiveCaller
from controlplane.api.deps import Deps
from controlplane.api.views import answer, iso
from controlplane.commands.desk import refused
from controlplane.store.tables import Agent, Key
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/keys", dependencies=[Depends(PEOPLE)])


@router.post("")
async def create(body: bodies.NewKey, caller: LiveCaller, deps: Deps) -> Response:
    """The one answer that holds the key. Not idempotent: a repeated request makes another key."""
    kind = KeyKind(body.kind)
    if (kind is KeyKind.AGENT) is not (body.agent is not None):
        raise refused(ErrorCode.INVALID_REQUEST, "An agent's key names its agent, an admin's does not.", field="agent")
    now_ms = deps.clock.now_ms()
    async with deps.control.transaction() as session:
        agent_id = None
        if body.agent is not None:
            agent_id = (await register_agent(session, caller.workspace_id, checked_name(body.agent), now_ms)).agent_id
        name = body.name or body.agent or "admin"
        plain = await create_key(session, kind, caller.workspace_id, name, now_ms, agent_id)
    return answer({"key": plain, "kind": kind, "agent": body.agent, "name": name}, 201)


@router.get("")
async def list_keys(caller: LiveCaller, deps: Deps) -> Response:
    keys, agents = table_of(Key), table_of(Agent)
    query = (
        select(keys)
        .add_columns(agents.c.name.label("agent"))
        .select_from(keys.outerjoin(agents, agents.c.agent_id == keys.c.agent_id))
        .where(keys.c.workspace_id == caller.workspace_id)
        .order_by(keys.c.created_at_ms, keys.c.key_id)
    )
    async with deps.control.reading() as session:
        rows = (await session.execute(query)).mappings().all()
    shown = ("key_id", "kind", "agent", "name", "tail")
    return answer(
        {
            "keys": [
                {
                    **{name: row[name] for name in shown},
                    "created_at": iso(row["created_at_ms"]),
                    "revoked_at": iso(row["revoked_at_ms"]),
                }
                for row in rows
            ]
        }
    )


@router.delete("/{key_id}")
async def revoke(key_id: str, caller: LiveCaller, deps: Deps) -> Response:
    async with deps.control.transaction() as session:
        is_revoked = await revoke_key(session, caller.workspace_id, key_id, deps.clock.now_ms())
    if not is_revoked:
        raise refused(ErrorCode.NOT_FOUND, f"There is no key {key_id!r}, or it was revoked before.")
    return Response(status_code=204)
