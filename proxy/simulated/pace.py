"""How fast the simulated answers come."""

import random
from dataclasses import dataclass
from typing import Literal

Speed = Literal["human", "fast"]

TOKENS_PER_SECOND = 40
FIRST_TOKEN_SECONDS = (0.4, 1.2)
WHOLE_ANSWER_SECONDS = 4.0  # an answer that is not streamed keeps nobody waiting longer
TOOL_SECONDS = (0.2, 0.7)


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds before the first chunk and before each one after it."""

    first: float
    between: float

    def before(self, index: int) -> float:
        return self.first if index == 0 else self.between

    def whole(self, chunks: int) -> float:
        """Seconds until an answer of so many chunks is complete, when it comes at once."""
        return self.first + self.between * max(0, chunks - 1)


def pace_of_reply(speed: Speed, seed: str, slow_seconds: float | None, chunks: int) -> Pace:
    """The pace of a streamed reply; a script's `slow` spreads it evenly over its seconds."""
    if slow_seconds is not None:
        return Pace(slow_seconds / max(1, chunks), slow_seconds / max(1, chunks))
    if speed == "fast":
        return Pace(0.0, 0.0)
    return Pace(_between(FIRST_TOKEN_SECONDS, seed), 1 / TOKENS_PER_SECOND)


def seconds_of_whole_reply(speed: Speed, seed: str, slow_seconds: float | None, chunks: int) -> float:
    """How long a reply takes that is not streamed."""
    seconds = pace_of_reply(speed, seed, slow_seconds, chunks).whole(chunks)
    return seconds if slow_seconds is not None else min(WHOLE_ANSWER_SECONDS, seconds)


def seconds_of_tool(speed: Speed, seed: str, slow_seconds: float | None) -> float:
    """How long a tool works."""
    if slow_seconds is not None:
        return slow_seconds
    return _between(TOOL_SECONDS, seed) if speed == "human" else 0.0


def _between(limits: tuple[float, float], seed: str) -> float:
    return random.Random(seed).uniform(*limits)  # noqa: S311 - the same request takes the same time
