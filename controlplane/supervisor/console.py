"""What `pointsman up` says to the person who started it. For people only: nobody parses it."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True, slots=True)
class Console:
    """Lines with what happened and how long it took."""

    out: TextIO
    monotonic: Callable[[], float] = time.monotonic

    def say(self, text: str = "") -> None:
        """One line, at once. Nobody there to read it (a closed terminal, a pipe that ended) stops nothing."""
        with contextlib.suppress(OSError, ValueError):
            self.out.write(text + "\n")
            self.out.flush()

    @contextmanager
    def step(self, what: str) -> Iterator[None]:
        """Says a step when it is done, with its seconds. A failed step says nothing here: its error will."""
        began = self.monotonic()
        yield
        self.say(f"  ✓ {what:<52}{self.monotonic() - began:5.1f} s")


def for_terminal() -> Console:
    """The console of this process."""
    return Console(sys.stdout)
