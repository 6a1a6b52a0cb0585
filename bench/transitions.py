"""`python -m bench.transitions`: how many task transitions a second the whole product makes, and what each one costs.

Many tasks at once, each by the way that users take: created, claimed by an agent that asks for work, submitted with the
run's key, approved. Over HTTP, against `pointsman up` with all its processes. A transition counts when its answer has
come, which is after its row is written to SQL; the workflow's own projection follows and its CPU is counted, too.
"""

import argparse
import asyncio
import sqlite3
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from bench.line import Line
from bench.stage import agents_of, metered, percentiles, stage, until_quiet
from tests.product import Product

VERBS = ("create", "claim", "submit", "approve")


@dataclass
class Lane:
    """One agent and the person who gives it tasks, one after the other."""

    person: Line
    agent: Line
    name: str
    seconds: dict[str, list[float]] = field(default_factory=lambda: {verb: [] for verb in VERBS})

    async def live(self, index: int) -> None:
        """One task from its creation to its approval."""
        body = {"title": f"{self.name} does {index}", "brief": "Measure it. " * 20, "agent": self.name}
        task = await self._timed("create", self.person, "/api/v1/tasks", body)
        offer = await self._timed("claim", self.agent, "/api/v1/agents/me/next", {"wait_seconds": 20})
        run = Line(self.agent.url, offer["run"]["key"])
        content = {"content": f"What {self.name} made of {index}.\n" * 10}
        await self._timed("submit", run, f"/api/v1/runs/{offer['run']['run_id']}/submit", content)
        await run.close()
        await self._timed("approve", self.person, f"/api/v1/tasks/{task['ref']}/review", {"verdict": "approve"})

    async def _timed(self, verb: str, line: Line, path: str, body: object) -> dict[str, dict[str, str]]:
        began = time.monotonic()
        answer = await line.ask("POST", path, body, command_id=f"{self.name}-{verb}-{began}")
        self.seconds[verb].append(time.monotonic() - began)
        return answer  # type: ignore[no-any-return]  # JSON


async def measure(product: Product, lanes: int, tasks: int) -> None:
    admin = Line(product.web_url, product.admin_key)
    team = [
        Lane(Line(product.web_url, product.admin_key), Line(product.web_url, agent.key), agent.name)
        for agent in await agents_of(admin, lanes)
    ]
    await _race(team, lanes)  # warm: the first task of each lane is not counted
    await until_quiet(product)
    for lane in team:
        lane.seconds = {verb: [] for verb in VERBS}
    with metered(product) as usage:
        began = time.monotonic()
        await _race(team, tasks)
        answered = time.monotonic() - began
        await until_quiet(product)
    count = len(VERBS) * tasks
    print(f"{lanes} lanes, {tasks} tasks, {count} transitions: {count / answered:.1f} a second")
    print(f"  CPU a transition (ms): {usage.row(count)}; others used {usage.others:.2f} cores")
    total = sum(seconds for name, seconds in usage.cpu.items() if name != "others")
    print(f"  all of ours {1000 * total / count:.1f} ms; two idle cores make {2 * count / total:.0f} a second at most")
    for verb in VERBS:
        print(f"  {verb:8} {percentiles([one for lane in team for one in lane.seconds[verb]])}")
    check(product.home / "control.sqlite", tasks + lanes)


async def _race(team: list[Lane], tasks: int) -> None:
    waiting = iter(range(tasks))

    async def run(lane: Lane) -> None:
        for index in waiting:
            await lane.live(index)

    async with asyncio.TaskGroup() as group:
        for lane in team:
            group.create_task(run(lane), name=lane.name)


def check(path: Path, tasks: int) -> None:
    """Nothing is measured that did not happen: every task done, with each of its events once."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    done, events = connection.execute(
        "SELECT (SELECT count(*) FROM tasks WHERE status = 'done' AND revision = 4), (SELECT count(*) FROM task_events)"
    ).fetchone()
    connection.close()
    if (done, events) != (tasks, 4 * tasks):
        sys.exit(f"bench: {done} of {tasks} tasks are done, with {events} events instead of {4 * tasks}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 16, 32])
    parser.add_argument("--tasks", type=int, default=300)
    options = parser.parse_args()
    for lanes in options.lanes:
        with stage() as product:
            asyncio.run(measure(product, lanes, options.tasks if lanes > 1 else max(20, options.tasks // 8)))


if __name__ == "__main__":
    main()
