"""The tasks of a run: a random graph in levels, with one task that waits for many and one that many wait for.

A task waits only for tasks with smaller numbers: the graph has no cycle, and the numbers are an order to make them in.
"""

import math
from dataclasses import dataclass, replace
from random import Random

NEEDS = ("research", "draft", "check")
NOBODY = "nobody"  # what no agent can do
LATE_SHARE = 0.25  # of the tasks with several blockers learn of some of them only after they were made
CALLED_OFF_SHARE = 0.06
FAN_OUT_SHARE = 0.6


@dataclass(frozen=True)
class Node:
    """One task. `blockers` and `late_blockers` are numbers of others; the late ones are drawn by an edge of its own."""

    number: int
    level: int
    title: str
    needs: str
    priority: int
    blockers: tuple[int, ...] = ()
    late_blockers: tuple[int, ...] = ()
    is_called_off: bool = False  # cancelled by a person instead of done

    @property
    def all_blockers(self) -> tuple[int, ...]:
        return self.blockers + self.late_blockers


def draw_graph(seed: int, tasks: int) -> tuple[Node, ...]:
    """The tasks in the order of their numbers, from 0."""
    random = Random(f"graph {seed}")
    levels = _levels(random, tasks)
    nodes = [_node(random, seed, number, levels) for number in range(tasks)]
    nodes = _call_off(random, nodes)
    return tuple(nodes)


def _levels(random: Random, tasks: int) -> list[int]:
    """The level of each number: about as many levels as tasks in one, none of them empty."""
    count = max(2, round(math.sqrt(tasks)))
    drawn = list(range(count)) + [random.randrange(count) for _ in range(tasks - count)]
    return sorted(drawn[:tasks])


def _node(random: Random, seed: int, number: int, levels: list[int]) -> Node:
    level = levels[number]
    blockers = _blockers(random, number, levels)
    late: tuple[int, ...] = ()
    if len(blockers) > 1 and random.random() < LATE_SHARE:
        cut = random.randrange(1, len(blockers))
        blockers, late = blockers[:cut], blockers[cut:]
    return Node(
        number=number,
        level=level,
        title=f"Task {number:03d} of seed {seed}",
        needs=random.choice(NEEDS),
        priority=random.randrange(1, 6),
        blockers=blockers,
        late_blockers=late,
    )


def _blockers(random: Random, number: int, levels: list[int]) -> tuple[int, ...]:
    level = levels[number]
    if level == 0:
        return ()
    earlier = [other for other in range(number) if levels[other] < level]
    nearest = [other for other in earlier if levels[other] == level - 1]
    if number == len(levels) - 1:  # the fan-in: the last task waits for a whole crowd
        return tuple(sorted(random.sample(earlier, min(len(earlier), 12))))
    chosen = {random.choice(nearest), *random.sample(earlier, min(len(earlier), random.randrange(0, 3)))}
    if level == 1 and random.random() < FAN_OUT_SHARE:  # the fan-out: many of the second level wait for the first task
        chosen.add(0)
    return tuple(sorted(chosen))


def _call_off(random: Random, nodes: list[Node]) -> list[Node]:
    """Some of those that nobody waits for: made for nobody, and cancelled."""
    waited_for = {blocker for node in nodes for blocker in node.all_blockers}
    leaves = [node.number for node in nodes if node.number not in waited_for][:-1]
    chosen = set(random.sample(leaves, min(len(leaves), math.ceil(len(nodes) * CALLED_OFF_SHARE))))
    return [replace(node, needs=NOBODY, is_called_off=True) if node.number in chosen else node for node in nodes]
