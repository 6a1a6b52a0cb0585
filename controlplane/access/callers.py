"""From a key to its holder."""

import hmac
from dataclasses import dataclass

from pointsman.contract import KeyKind, digest, parse_key_kind, parse_run_key
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import LIVE, Actor, ActorKind
from controlplane.store.tables import Agent, Key, Run
from controlplane.store.upsert import table_of


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a key. A run's key says which lease it stands for; `is_live` is False when that run has ended."""

    kind: KeyKind
    key_id: str  # a run's id for a run key
    workspace_id: str
    name: str
    agent_id: str | None = None
    run_id: str | None = None
    task_id: str | None = None
    epoch: int = 0
    is_live: bool = True

    @property
    def actor(self) -> Actor:
        """As whom its commands are decided: an admin key is a person's tool."""
        if self.agent_id is None:
            return Actor(ActorKind.PERSON, self.key_id, self.name)
        return Actor(ActorKind.AGENT, self.agent_id, self.name)


async def authenticate(session: AsyncSession, key: str) -> Caller | None:
    """The key's holder; None for a key that is malformed, unknown or revoked. An ended run is known, but not live."""
    kind = parse_key_kind(key)
    if kind is None:
        return None
    return await (_run_caller(session, key) if kind is KeyKind.RUN else _key_caller(session, key))


async def _key_caller(session: AsyncSession, key: str) -> Caller | None:
    keys, agents = table_of(Key).c, table_of(Agent).c
    found = await session.execute(
        select(keys.key_id, keys.kind, keys.workspace_id, keys.agent_id, keys.name, agents.name)
        .select_from(table_of(Key).outerjoin(table_of(Agent), agents.agent_id == keys.agent_id))
        .where(keys.key_digest == digest(key), keys.revoked_at_ms.is_(None))
    )
    row = found.first()
    if row is None:
        return None
    key_id, kind, workspace_id, agent_id, key_name, agent_name = row
    return Caller(KeyKind(kind), key_id, workspace_id, agent_name or key_name, agent_id)


async def _run_caller(session: AsyncSession, key: str) -> Caller | None:
    claimed = parse_run_key(key)
    if claimed is None:
        return None
    runs, agents = table_of(Run), table_of(Agent)
    found = await session.execute(
        select(runs)
        .add_columns(agents.c.name.label("agent_name"))
        .select_from(runs.outerjoin(agents, agents.c.agent_id == runs.c.agent_id))
        .where(runs.c.run_id == claimed[0])
    )
    row = found.mappings().first()
    if row is None or not hmac.compare_digest(row["key_digest"], digest(key)):
        return None
    return Caller(
        kind=KeyKind.RUN,
        key_id=row["run_id"],
        workspace_id=row["workspace_id"],
        name=row["agent_name"] or row["agent_id"],
        agent_id=row["agent_id"],
        run_id=row["run_id"],
        task_id=row["task_id"],
        epoch=row["epoch"],
        is_live=row["state"] in LIVE,  # a StrEnum's members are equal to their values
    )
