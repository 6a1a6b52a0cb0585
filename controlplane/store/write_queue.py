"""Many small pieces of work for the one writer: those that wait together share a transaction.

A transaction costs its begin, its commit and the way to the writer's thread, whatever it contains, and other processes
cannot write meanwhile. So what has gathered while one was under way becomes the next one.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from controlplane.store.one_hop import OneHopConnection

T = TypeVar("T")
Work = Callable[[Connection], T]

TOGETHER = 50  # pieces in one transaction: some 50 ms in which no other process can write


@dataclass(slots=True)
class _Piece:
    work: Work[Any]
    outcome: "asyncio.Future[Any]"
    result: Any = None
    error: Exception | None = None

    def settle(self) -> None:
        if self.outcome.cancelled():
            return
        if self.error is not None:
            self.outcome.set_exception(self.error)
        else:
            self.outcome.set_result(self.result)


class WriteQueue:
    """Runs pieces of work in the order in which they came."""

    def __init__(self, writer: AsyncEngine) -> None:
        self._writer = writer
        self._waiting: list[_Piece] = []
        self._working: asyncio.Task[None] | None = None

    async def run(self, work: Work[T]) -> T:
        """What `work` returned, after its transaction was committed. What it raises is raised here, and is its own
        fault alone: the others are then done again without it, so `work` may be called twice, but counts once.
        """
        piece = _Piece(work, asyncio.get_running_loop().create_future())
        self._waiting.append(piece)
        if self._working is None or self._working.done():
            self._working = asyncio.create_task(self._work(), name="write queue")  # noqa: TID251 - awaited by `close`
        result: T = await piece.outcome
        return result

    async def close(self) -> None:
        """Waits for what is under way."""
        if self._working is not None:
            await asyncio.wait([self._working])

    async def _work(self) -> None:
        while self._waiting:
            batch: list[_Piece] = []
            try:
                async with self._writer.connect() as connection:
                    batch = self._take()
                    await in_one_hop(connection, partial(commit_together, pieces=batch))
            except Exception as error:  # noqa: BLE001 - who waits is told; one that raised for nobody would be lost
                for piece in batch or self._take():
                    piece.error = error
                    piece.settle()
            else:
                for piece in batch:
                    piece.settle()

    def _take(self) -> list[_Piece]:
        taken, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
        return [piece for piece in taken if not piece.outcome.cancelled()]


def commit_together(connection: Connection, pieces: Sequence[_Piece]) -> None:
    """In one transaction; when a piece raises, each in one of its own. Raises what begin or commit raise."""
    with connection.begin() as transaction:
        if all(_is_done(piece, connection) for piece in pieces):
            return
        transaction.rollback()
    if len(pieces) > 1:
        for piece in pieces:
            piece.error = None
            commit_together(connection, [piece])


def _is_done(piece: _Piece, connection: Connection) -> bool:
    try:
        piece.result = piece.work(connection)
    except Exception as error:  # noqa: BLE001 - raised where the piece was asked for
        piece.error = error
    return piece.error is None


async def in_one_hop(connection: AsyncConnection, work: Work[T]) -> T:
    """Synchronous work on a connection that is otherwise unused: in its thread where there is one."""
    raw = await connection.get_raw_connection()
    driver = raw.driver_connection
    if isinstance(driver, OneHopConnection):
        return await driver.run(work)
    return await connection.run_sync(work)
