"""Admin and agent keys: made once, shown once."""

from pointsman.contract import IdPrefix, KeyKind, digest, new_id, new_key
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.store.outbox import announce
from controlplane.store.tables import Key
from controlplane.store.upsert import table_of


async def create_key(
    session: AsyncSession,
    kind: KeyKind,
    workspace_id: str,
    name: str,
    now_ms: int,
    agent_id: str | None = None,
    secret: bytes | None = None,
) -> str:
    """A new key in plain text, which nobody can read again. An agent's key needs its agent.

    With the same `secret` it is the same key, and stays as it was made. Raises ValueError when it was made otherwise.
    """
    if (kind is KeyKind.AGENT) is not (agent_id is not None) or kind is KeyKind.RUN:
        raise ValueError(f"a key of kind {kind!r} cannot belong to agent {agent_id!r}; run keys are derived")
    plain = new_key(kind, secret)
    known = await _find_key(session, plain) if secret else None
    if known is None:
        await _add_key(session, plain, kind, workspace_id, name, now_ms, agent_id)
    elif (known.agent_id, known.name) != (agent_id, name):
        raise ValueError("this key was made for something else")
    return plain


async def _find_key(session: AsyncSession, plain: str) -> Key | None:
    found = await session.execute(select(Key).where(table_of(Key).c.key_digest == digest(plain)))
    return found.scalars().first()


async def adopt_key(session: AsyncSession, plain: str, workspace_id: str, name: str, now_ms: int) -> None:
    """Makes an admin key that stands in a file known, whatever became of the start that wrote the file. Idempotent."""
    if await _find_key(session, plain) is None:
        await _add_key(session, plain, KeyKind.ADMIN, workspace_id, name, now_ms, None)


async def _add_key(
    session: AsyncSession, plain: str, kind: KeyKind, workspace_id: str, name: str, now_ms: int, agent_id: str | None
) -> None:
    key_id = new_id(IdPrefix.KEY, now_ms)
    session.add(
        Key(
            key_id=key_id,
            workspace_id=workspace_id,
            kind=kind.value,
            agent_id=agent_id,
            name=name,
            key_digest=digest(plain),
            tail=plain[-4:],
            created_at_ms=now_ms,
        )
    )
    announce(session, workspace_id, "key", key_id, now_ms)
    await session.flush()


async def revoke_key(session: AsyncSession, workspace_id: str, key_id: str, now_ms: int) -> bool:
    """The key stops working, here at once and at the gateway within a second. False: there is no such key."""
    columns = table_of(Key).c
    revoked = await session.execute(
        update(table_of(Key))
        .where(columns.key_id == key_id, columns.workspace_id == workspace_id, columns.revoked_at_ms.is_(None))
        .values(revoked_at_ms=now_ms)
        .returning(columns.key_id)
    )
    if revoked.first() is None:
        return False
    announce(session, workspace_id, "key", key_id, now_ms)
    return True
