"""Notices that a client has left, or that its run may not go on, while we wait for the provider."""

import asyncio

from proxy.call import Call
from proxy.overdue import Overdue
from proxy.stages.receive import Receive


class Watches:
    """The calls of one process that are under way, and of those that last, a watch.

    A task costs a tenth of a call: answers that are there at once go without one. A watch also wakes after our own last
    send. By then `Attempt.release` has cut the tie to the connection, which may already serve another call.
    """

    def __init__(self, after_seconds: float) -> None:
        self._overdue: Overdue[Call] = Overdue(after_seconds, self._begin)
        self._sources: dict[Call, Receive] = {}
        self._lasting: dict[Call, asyncio.Task[None] | None] = {}

    def enter(self, call: Call, source: Receive | None = None) -> None:
        """Watches a call that lasts longer than `Limits.watch_after_seconds`, and puts it behind the fence.

        Without a source the client's connection itself says when it is gone.
        """
        self._overdue.enter(call)
        if source is not None:
            self._sources[call] = source

    def leave(self, call: Call) -> None:
        """May be called for one that never entered, or has left."""
        self._overdue.leave(call)
        if self._sources:
            self._sources.pop(call, None)
        if call in self._lasting:
            task = self._lasting.pop(call)
            if task is not None:
                task.cancel()
            call.shared.fence.leave(call)

    def under_way(self) -> list[Call]:
        return [*self._overdue.inside(), *self._lasting]

    def _begin(self, call: Call) -> None:
        source = self._sources.pop(call, None)
        task = None
        if source is not None:
            task = asyncio.get_running_loop().create_task(_until_gone(call, source), name="watch the client")
        self._lasting[call] = task
        call.shared.fence.enter(call)


async def _until_gone(call: Call, source: Receive) -> None:
    while (await source())["type"] != "http.disconnect":
        pass
    call.leave()
