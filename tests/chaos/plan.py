"""Who is killed when: drawn from the seed before anything runs, so that it can be printed and repeated."""

from dataclasses import dataclass
from random import Random

from tests.chaos.options import AGENT, Options

SHARE_OF_TIME = 0.55  # of the minutes; the rest is for what is left to do after the last kill
AT_LEAST_TWICE = 2


@dataclass(frozen=True)
class Kill:
    """One SIGKILL: so many seconds after the one before it, or as soon as the target is back if that is later."""

    pause_seconds: float
    target: str
    agent: int = 0  # which one, when the target is an agent

    @property
    def victim(self) -> str:
        return agent_name(self.agent) if self.target == AGENT else self.target


def agent_name(number: int) -> str:
    """What the harness calls its agents."""
    return f"chaos-{number:02d}"


def draw_plan(options: Options) -> tuple[Kill, ...]:
    """Each target at least twice if there are kills enough, the others at random, in random order."""
    random = Random(f"kills {options.seed}")
    targets = _repeated(options.plan, options.kills) if options.plan else _drawn(random, options)
    mean = options.every or options.minutes * 60 * SHARE_OF_TIME / options.kills
    return tuple(
        Kill(round(random.uniform(0.2, 1.8) * mean, 2), target, random.randrange(options.agents)) for target in targets
    )


def _repeated(targets: tuple[str, ...], count: int) -> list[str]:
    return [targets[index % len(targets)] for index in range(count)]


def _drawn(random: Random, options: Options) -> list[str]:
    certain = _repeated(options.only, min(options.kills, AT_LEAST_TWICE * len(options.only)))
    targets = certain + random.choices(options.only, k=options.kills - len(certain))
    random.shuffle(targets)
    return targets


def describe_plan(plan: tuple[Kill, ...]) -> str:
    """For a person, six kills to a line."""
    words = [f"+{kill.pause_seconds:.1f}s {kill.victim}" for kill in plan]
    return "\n".join("    " + ", ".join(words[start : start + 6]) for start in range(0, len(words), 6))
