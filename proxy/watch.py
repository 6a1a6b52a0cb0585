"""Notices that a client has left, or that its run may not go on, while we wait for the provider."""

import asyncio

from proxy.call import Call
from proxy.overdue import Overdue
from proxy.stages.receive import Receive


class Watch:
    """Watches one call's client and puts it behind the fence, once it has lasted; ended by `Watches.end`.

    It also wakes after our own last send. By then `Attempt.release` has cut the tie to the connection, which may
    already serve another call.
    """

    __slots__ = ("_call", "_has_begun", "_source", "_task")

    def __init__(self, call: Call, source: Receive | None) -> None:
        self._call = call
        self._source = source
        self._task: asyncio.Task[None] | None = None
        self._has_begun = False

    def begin(self) -> None:
        self._has_begun = True
        if self._source is not None:
            watching = self._until_gone(self._source)
            self._task = asyncio.get_running_loop().create_task(watching, name="watch the client")
        self._call.shared.fence.enter(self._call)

    def cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._has_begun:
            self._call.shared.fence.leave(self._call)

    async def _until_gone(self, source: Receive) -> None:
        while (await source())["type"] != "http.disconnect":
            pass
        self._call.leave()


class Watches:
    """The watches of one process. A task costs a tenth of a call: answers that are there at once go without one."""

    def __init__(self, after_seconds: float) -> None:
        self._overdue = Overdue(after_seconds, Watch.begin)

    def begin(self, call: Call, source: Receive | None) -> Watch:
        """Watches a call that lasts longer than `Limits.watch_after_seconds`; without a source, only for the fence."""
        watch = Watch(call, source)
        self._overdue.enter(watch)
        return watch

    def end(self, watch: Watch) -> None:
        self._overdue.leave(watch)
        watch.cancel()
