"""How long to wait before the next try, so that a thousand agents do not knock at a restarted server together."""

import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, TypeVar

from pointsman.errors import ServerUnreachable

logger = logging.getLogger(__name__)

FIRST_SECONDS: Final = 0.1
LONGEST_SECONDS: Final = 5.0  # a lease lasts 60 s: several tries must fit into it
Got = TypeVar("Got")


@dataclass(slots=True)
class Backoff:
    """Doubling delays with jitter, from a tenth of a second to five seconds."""

    tries: int = 0
    random_share: Callable[[], float] = field(default=random.random)  # noqa: S311 - spreads load, hides nothing

    def next_seconds(self, at_least: float | None = None) -> float:
        """The delay before the next try; the server's own wish is respected up to a minute."""
        ceiling = min(LONGEST_SECONDS, FIRST_SECONDS * 2.0**self.tries)
        self.tries = min(self.tries + 1, 10)
        return max(ceiling * (0.5 + self.random_share() / 2), min(at_least or 0.0, 60.0))

    def reset(self) -> None:
        """After a success."""
        self.tries = 0


async def persist(
    attempt: Callable[[], Awaitable[Got]], pause: Callable[[float], Awaitable[None]], patience_seconds: float
) -> Got:
    """Repeats an attempt while the server cannot be reached, at most so long; everything else is raised at once.

    `pause` waits between tries and may raise to end it. An outage is logged once, and so is its end.
    """
    backoff, deadline = Backoff(), monotonic() + patience_seconds
    while True:
        try:
            got = await attempt()
        except ServerUnreachable as away:
            if monotonic() >= deadline:
                raise
            if backoff.tries == 2:
                logger.warning("Pointsman cannot be reached; trying on", extra={"reason": str(away)})
            await pause(min(backoff.next_seconds(away.retry_after_seconds), max(deadline - monotonic(), 0.0)))
        else:
            if backoff.tries > 2:
                logger.info("Pointsman answers again")
            return got
