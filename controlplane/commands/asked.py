"""Which tasks this process has just asked to be claimed, so that fifty agents that wait for one do not all ask it.

A hint, never the truth: the task itself decides, and another process asks for itself.
"""

import asyncio
import math
from collections.abc import Iterator
from contextlib import contextmanager

from controlplane.ports import EngineUnavailable

REMEMBERED = 1000
FORGOTTEN_AFTER_SECONDS = 30.0  # no list of proposals is older when it is used


class Asked:
    """When each task was last asked, on the event loop's clock; for ever while it is being asked."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}

    @staticmethod
    def now() -> float:
        """The moment to note before proposals are read."""
        return asyncio.get_running_loop().time()

    def since(self, read_at: float, task_id: str) -> bool:
        """Whether somebody asked it after that, or is asking: then what was read of it is out of date."""
        return self._at.get(task_id, -math.inf) >= read_at

    @contextmanager
    def asking(self, task_id: str) -> Iterator[None]:
        """While it is asked. An engine that does not answer has decided nothing: others may try."""
        self._at[task_id] = math.inf
        answered_at: float | None = None
        try:
            yield
            answered_at = self.now()
        except EngineUnavailable:
            raise
        except Exception:
            answered_at = self.now()
            raise
        finally:
            del self._at[task_id]
            if answered_at is not None:
                self._remember(task_id, answered_at)

    def _remember(self, task_id: str, answered_at: float) -> None:
        if len(self._at) >= REMEMBERED:
            old = answered_at - FORGOTTEN_AFTER_SECONDS
            self._at = {known: at for known, at in self._at.items() if at > old}
        self._at[task_id] = answered_at
