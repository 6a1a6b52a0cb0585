"""An event loop in a daemon thread: the synchronous names run the very same code as the asynchronous ones."""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

Got = TypeVar("Got")


class LoopThread:
    """Runs coroutines for other threads. A daemon, so that a forgotten agent does not keep its program alive."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, Got]) -> Got:
        """The coroutine's result; an exception in the waiting thread (Ctrl-C) cancels the coroutine."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def soon(self, callback: Any, *arguments: Any) -> None:
        """Calls something in the loop's thread, without waiting."""
        self._loop.call_soon_threadsafe(callback, *arguments)

    def close(self) -> None:
        """Ends the loop and its thread; what still runs in it is cancelled first."""
        self.run(_cancel_the_others())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


async def _cancel_the_others() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
