"""`python -m bench.dag`: a thousand tasks that wait for each other, fifty simulated agents, nothing left standing.

The graph is drawn by a seed: each task waits for up to three of the forty before it. Agents ask for work, submit, and
go on; a person approves what comes in. All over HTTP, agents in two processes. Ends when every task is done, or says
what stands still when the time is over. Also counted: tasks done twice, claims that found nothing, the longest chain.
"""

import argparse
import asyncio
import itertools
import multiprocessing
import random
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from bench.line import Line, Refused
from bench.stage import BenchAgent, agents_of, metered, percentiles, stage, until_quiet
from tests.product import Product

AGENT_PROCESSES = 2
VERBS_OF_A_TASK = 4  # created, claimed, submitted, approved; resolved blockers come on top


def draw(tasks: int, seed: int) -> list[list[int]]:
    """Whom each task waits for, by index; edges point back, so there is no cycle."""
    dice = random.Random(seed)
    graph: list[list[int]] = []
    for index in range(tasks):
        near = range(max(0, index - 40), index)
        graph.append(sorted(dice.sample(near, min(len(near), dice.choice((0, 1, 1, 2, 2, 3))))))
    return graph


def longest_chain(graph: Sequence[Sequence[int]]) -> int:
    depth: list[int] = []
    for blockers in graph:
        depth.append(1 + max((depth[index] for index in blockers), default=0))
    return max(depth)


@dataclass
class Told:
    """What agents of one process saw."""

    done: int = 0
    empty: int = 0
    repeats: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    claim_seconds: list[float] = field(default_factory=list)


def work(url: str, admin_key: str, team: Sequence[BenchAgent], ends_at: float) -> Told:
    """One process of agents."""
    return asyncio.run(_work(url, admin_key, team, ends_at))


async def _work(url: str, admin_key: str, team: Sequence[BenchAgent], ends_at: float) -> Told:
    told = Told()
    async with asyncio.TaskGroup() as group:
        for agent in team:
            group.create_task(_be(Line(url, agent.key), Line(url, admin_key), told, ends_at), name=agent.name)
    return told


async def _be(agent: Line, person: Line, told: Told, ends_at: float) -> None:
    """An agent until nothing is left: it asks for two seconds at a time."""
    for turn in itertools.count():
        began = time.monotonic()
        body = {"wait_seconds": 2}
        offer = await agent.ask_until_heard("POST", "/api/v1/agents/me/next", body, f"next-{turn}")
        if offer is None:
            told.empty += 1
            if time.time() > ends_at or not await _is_something_left(person):
                break
            continue
        told.claim_seconds.append(time.monotonic() - began)
        await _do(agent, person, offer["run"], offer["task"]["ref"], told)
    told.repeats += agent.repeats + person.repeats
    await agent.close()
    await person.close()


async def _do(agent: Line, person: Line, run: dict[str, str], ref: str, told: Told) -> None:
    line = Line(agent.url, run["key"])
    try:
        content = {"content": f"Result of {ref}."}
        await line.ask_until_heard("POST", f"/api/v1/runs/{run['run_id']}/submit", content, f"submit-{ref}")
        await person.ask_until_heard("POST", f"/api/v1/tasks/{ref}/review", {"verdict": "approve"}, f"approve-{ref}")
        told.done += 1
    except Refused as no:
        told.refused[no.code] += 1
    finally:
        told.repeats += line.repeats
        await line.close()


async def _is_something_left(person: Line) -> bool:
    for status in ("ready", "in_progress"):
        if (await person.ask("GET", f"/api/v1/tasks?status={status}&limit=1"))["tasks"]:
            return True
    return False


async def create_all(product: Product, graph: Sequence[Sequence[int]]) -> None:
    """In the order of the graph, as many at once as do not wait for each other's refs."""
    lines = [Line(product.web_url, product.admin_key) for _ in range(16)]
    refs: dict[int, asyncio.Future[str]] = {index: asyncio.Future() for index in range(len(graph))}
    waiting = iter(range(len(graph)))

    async def create(line: Line) -> None:
        for index in waiting:
            blockers = [await refs[blocker] for blocker in graph[index]]
            body = {"title": f"Task {index}", "brief": "One of many.", "blockers": blockers}
            refs[index].set_result(
                (await line.ask_until_heard("POST", "/api/v1/tasks", body, f"create-{index}"))["ref"]
            )

    async with asyncio.TaskGroup() as group:
        for line in lines:
            group.create_task(create(line))
    for line in lines:
        await line.close()


async def measure(product: Product, graph: Sequence[Sequence[int]], agents: int, seconds: float) -> bool:
    admin = Line(product.web_url, product.admin_key)
    team = await agents_of(admin, agents)
    await admin.close()
    edges = sum(map(len, graph))
    print(f"{len(graph)} tasks, {edges} edges, longest chain {longest_chain(graph)}, {agents} agents")
    with metered(product) as usage:
        await create_all(product, graph)
        await until_quiet(product)
    print(f"  created: {len(graph) / usage.wall:.0f} a second; CPU each (ms): {usage.row(len(graph))}")
    loop, ends_at = asyncio.get_running_loop(), time.time() + seconds
    with metered(product) as usage:
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(AGENT_PROCESSES, context) as pool:
            parts = [team[index::AGENT_PROCESSES] for index in range(AGENT_PROCESSES)]
            working = [
                loop.run_in_executor(pool, work, product.web_url, product.admin_key, part, ends_at) for part in parts
            ]
            told = await asyncio.gather(*working)
    transitions = (VERBS_OF_A_TASK - 1) * len(graph) + edges
    print(f"  worked: {usage.wall:.1f} s, {transitions / usage.wall:.1f} transitions a second with resolved blockers")
    print(f"  CPU a transition (ms): {usage.row(transitions)}; others used {usage.others:.2f} cores")
    print(f"  claim answered after {percentiles([one for part in told for one in part.claim_seconds])}")
    refused = sum((part.refused for part in told), Counter[str]())
    empty, repeats = sum(part.empty for part in told), sum(part.repeats for part in told)
    print(f"  {empty} empty answers, {repeats} repeated commands (503), refusals {dict(refused) or 'none'}")
    return report(product.home / "control.sqlite", len(graph))


def report(path: Path, tasks: int) -> bool:
    """Whether every task was done exactly once."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    by_status = dict(connection.execute("SELECT status, count(*) FROM tasks GROUP BY status").fetchall())
    approved = connection.execute("SELECT count(*) FROM task_events WHERE kind = 'deliverable_approved'").fetchone()[0]
    live = connection.execute("SELECT count(*) FROM runs WHERE ended_at_ms IS NULL AND state = 'running'").fetchone()[0]
    connection.close()
    print(f"  statuses {by_status}, approvals {approved}, live runs {live}")
    return (by_status, approved, live) == ({"done": tasks}, tasks, 0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--agents", type=int, default=50)
    parser.add_argument("--seed", type=int, default=4)
    parser.add_argument("--seconds", type=float, default=900)
    options = parser.parse_args()
    with stage() as product:
        is_whole = asyncio.run(measure(product, draw(options.tasks, options.seed), options.agents, options.seconds))
    if not is_whole:
        sys.exit("bench: not every task was done exactly once")


if __name__ == "__main__":
    main()
