"""Is there anything to claim at all? Asked once after each change, for all agents of this process that wait for work.

Each of fifty waiting agents looks after every change, and a look reads the agent, what it holds and what it could do.
Most changes open nothing: one small read says so to all of them.
"""

import asyncio

from sqlalchemy import Connection, select

from controlplane.feed.feed import Feed
from controlplane.store.database import Database
from controlplane.store.tables import Task
from controlplane.store.upsert import table_of


class Openings:
    """For whom there is a claimable task, as it was at one place of the feed."""

    def __init__(self, control: Database, feed: Feed) -> None:
        self._control = control
        self._feed = feed
        self._read_at_seq = -1
        self._agents: frozenset[tuple[str, str | None]] = frozenset()
        self._reading = asyncio.Lock()

    async def any_for(self, workspace_id: str, agent_id: str) -> bool:
        """A claimable task of this agent, or of nobody. Whether the agent is able to do it is not asked here."""
        async with self._reading:
            seq = self._feed.last_seq
            if seq != self._read_at_seq:
                self._agents = await self._control.read(_claimable)
                self._read_at_seq = seq  # of before the read: what changed meanwhile is read again
        return not self._agents.isdisjoint({(workspace_id, None), (workspace_id, agent_id)})


def _claimable(connection: Connection) -> frozenset[tuple[str, str | None]]:
    columns = table_of(Task).c
    query = select(columns.workspace_id, columns.agent_id).where(columns.is_claimable).distinct()
    return frozenset((workspace_id, agent_id) for workspace_id, agent_id in connection.execute(query))
