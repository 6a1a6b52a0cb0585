"""One of several worker processes does a job that must not be done twice at once; a row says which one.

Killed, its term runs out and another one takes over. A term protects against waste, not against harm: two leaders for a
moment write the same signals and send commands with the same ids.
"""

from dataclasses import dataclass, field

from controlplane.ports import Clock
from controlplane.store.database import Database
from controlplane.store.tables import Leader
from controlplane.store.upsert import insert_into, table_of

TERM_MS = 15_000


@dataclass(slots=True)
class Leadership:
    """`holder` names this process for as long as it lives."""

    database: Database
    clock: Clock
    role: str
    holder: str
    _until_ms: int = field(default=0, init=False)

    async def is_mine(self) -> bool:
        """Takes the role when it is free. Writes at most twice a term."""
        now_ms = self.clock.now_ms()
        if self._until_ms - now_ms > TERM_MS // 2:
            return True
        self._until_ms = now_ms + TERM_MS if await self._take(now_ms) else 0
        return self._until_ms > 0

    async def resign(self) -> None:
        """Leaves the role to whoever asks next, when this process ends in peace."""
        if self._until_ms:
            await self._take(self.clock.now_ms() - TERM_MS)
            self._until_ms = 0

    async def _take(self, now_ms: int) -> bool:
        row = table_of(Leader).c
        async with self.database.transaction() as session:
            insert = insert_into(session, Leader).values(role=self.role, holder=self.holder, until_ms=now_ms + TERM_MS)
            taken = await session.execute(
                insert.on_conflict_do_update(
                    index_elements=["role"],
                    set_={"holder": insert.excluded.holder, "until_ms": insert.excluded.until_ms},
                    where=(row.holder == self.holder) | (row.until_ms < self.clock.now_ms()),
                ).returning(row.holder)
            )
            return taken.first() is not None
