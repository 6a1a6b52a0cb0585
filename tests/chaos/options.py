"""What a chaos run is asked to do. One seed decides the tasks, what agents and people do with them, and the kills."""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

PROCESSES = ("web", "proxy", "workers", "temporal", "recorder")
AGENT = "agent"
TARGETS = (*PROCESSES, AGENT)
MOST_TASKS = 1000
MOST_MINUTES = 60.0


@dataclass(frozen=True)
class Options:
    """Everything that `python -m tests.chaos` can be told."""

    seed: int
    kills: int = 30
    tasks: int = 60
    agents: int = 10
    minutes: float = 8.0  # until the last task must have ended; the checks after it have bounds of their own
    every: float | None = None  # seconds between two kills, on average; None: spread over half of the minutes
    only: tuple[str, ...] = TARGETS
    plan: tuple[str, ...] = ()  # targets in this order, instead of drawing them

    @property
    def command(self) -> str:
        """What repeats this run."""
        words = [f"--seed {self.seed} --kills {self.kills} --tasks {self.tasks} --agents {self.agents}"]
        words.append(f"--minutes {self.minutes:g}")
        if self.every is not None:
            words.append(f"--every {self.every:g}")
        if self.plan:
            words.append(f"--plan {','.join(self.plan)}")
        elif self.only != TARGETS:
            words.append(f"--only {','.join(self.only)}")
        return f'make chaos ARGS="{" ".join(words)}"'


def parse_options(arguments: Sequence[str]) -> Options:
    """Exits with 2 and a sentence when they make no sense."""
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=None, help="drawn and printed when not given")
    parser.add_argument("--kills", type=_between(1, 1000), default=None, help="default 30, or the length of --plan")
    parser.add_argument("--tasks", type=_between(2, MOST_TASKS), default=60)
    parser.add_argument("--agents", type=_between(1, 100), default=10)
    parser.add_argument("--minutes", type=float, default=8.0, help="the last task must have ended by then")
    parser.add_argument("--every", type=float, default=None, help="seconds between two kills, on average")
    parser.add_argument("--only", type=_targets, default=TARGETS, help="kill only these: web,proxy")
    parser.add_argument("--plan", type=_targets, default=(), help="kill these in this order: web,proxy,temporal,agent")
    given = parser.parse_args(arguments)
    if not 0.2 <= given.minutes <= MOST_MINUTES:
        parser.error(f"--minutes must be from 0.2 to {MOST_MINUTES:g}")
    if given.every is not None and given.every <= 0:
        parser.error("--every must be more than 0")
    return Options(
        seed=given.seed if given.seed is not None else Random(os.urandom(8)).randrange(1_000_000),
        kills=given.kills or len(given.plan) or 30,
        tasks=given.tasks,
        agents=given.agents,
        minutes=given.minutes,
        every=given.every,
        only=given.only,
        plan=given.plan,
    )


def _between(low: int, high: int):
    def number(text: str) -> int:
        value = int(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"must be from {low} to {high}")
        return value

    return number


def _targets(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    wrong = [name for name in names if name not in TARGETS]
    if wrong or not names:
        raise argparse.ArgumentTypeError(f"{', '.join(wrong) or 'nothing'} is none of {', '.join(TARGETS)}")
    return names
