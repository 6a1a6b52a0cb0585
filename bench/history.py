"""`python -m bench.history`: does a long history slow anything? 10,000 tasks, 1,000 of them open, and what pages take.

The history is made by the domain's own `decide` and `evolve` and written by the product's own projection, straight into
the read model: the engine never hears of it, so this measures pages and lists, not workflows. The same is asked before
the closed tasks are written and after. Each request is made on its own, one after the other.
"""

import argparse
import asyncio
import itertools
import random
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from msgspec.structs import replace
from sqlalchemy import Connection, insert

from bench.line import Line
from bench.stage import agents_of, metered, percentiles, session_cookie, stage, until_quiet
from controlplane.api.paging import render_cursor
from controlplane.domain.commands import (
    ClaimTask,
    Command,
    CreateTask,
    Envelope,
    ResolveBlocker,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.evolve import apply
from controlplane.domain.state import Actor, ActorKind, TaskState
from controlplane.ports import Applied
from controlplane.projections.task import project
from controlplane.store.database import Database, open_database
from controlplane.store.tables import RunUsage
from controlplane.store.upsert import table_of
from tests.product import Product

PERSON = Actor(ActorKind.PERSON, "u_bench", "Bench")
SYSTEM = Actor(ActorKind.SYSTEM, "workers", "Pointsman")
AT_ONCE = 100  # tasks in one transaction
DAY_MS = 86_400_000

Life = Sequence[Applied]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the tasks are, and who does them."""

    workspace_id: str
    project_id: str
    agents: tuple[str, ...]


def closed_lives(place: Place, numbers: Iterable[int]) -> Iterator[Life]:
    """Tasks that were done in the last ninety days, each written in one go with all of its events."""
    dice, now_ms = random.Random(7), int(time.time() * 1000)
    for number in numbers:
        blockers = (f"t_bench{number - 1}",) if number % 3 == 0 else ()
        life = tuple(_live(_create(place, number, dice, blockers), now_ms - dice.randrange(DAY_MS, 90 * DAY_MS)))
        yield (replace(life[-1], events=tuple(event for applied in life for event in applied.events)),)


def open_lives(place: Place, numbers: Sequence[int]) -> Iterator[Life]:
    """Tasks of the last day: a third waits for others, the rest is ready, in an agent's hands, or in review."""
    dice, now_ms = random.Random(8), int(time.time() * 1000)
    for number in numbers:
        waits = number % 3 == 0 and number - 7 in numbers
        blockers = (f"t_bench{number - 1}", f"t_bench{number - 7}") if waits else ()
        life = tuple(_live(_create(place, number, dice, blockers), now_ms - dice.randrange(DAY_MS)))
        yield life[: 1 if waits else dice.choice((1, 1, 2, 3))]


def _create(place: Place, number: int, dice: random.Random, blockers: tuple[str, ...] = ()) -> CreateTask:
    return CreateTask(
        f"t_bench{number}",
        place.workspace_id,
        place.project_id,
        number,
        f"Task {number} of a long history",
        "What is wanted. " * 30,
        priority=dice.randint(1, 5),
        agent_id=dice.choice(place.agents),
        blockers=blockers,
    )


def _live(create: CreateTask, at_ms: int) -> Iterator[Applied]:
    agent_id, run_id = create.agent_id or "", f"r_bench{create.number}"
    agent = Actor(ActorKind.AGENT, agent_id, agent_id)
    commands: list[tuple[Actor, Command]] = [
        (PERSON, create),
        *((SYSTEM, ResolveBlocker(blocker_id, "done")) for blocker_id in create.blockers),
        (agent, ClaimTask(agent_id, run_id)),
        (agent, SubmitDeliverable(run_id, 1, f"{create.number:064x}", 900, title="A result")),
        (PERSON, ReviewDeliverable(1, "approve", "Good.")),
    ]
    state: TaskState | None = None
    for index, (actor, command) in enumerate(commands):
        envelope = Envelope(f"bench/{create.number}/{index}", actor, at_ms + 1000 * index, command)
        events = decide(state, envelope)
        assert not isinstance(events, Refusal), events.message
        state = apply(state, envelope, events)
        yield Applied(state, events, f"x{create.number}", envelope.command_id)


async def write(database: Database, lives: Iterator[Life]) -> int:
    """Returns how many projections that took."""
    count = 0
    while batch := list(itertools.islice(lives, AT_ONCE)):
        count += await database.write(partial(_write, batch=batch))
    return count


def _write(connection: Connection, batch: Sequence[Life]) -> int:
    for life in batch:
        for applied in life:
            project(connection, applied, b"b" * 32, applied.state.updated_at_ms)
        state = life[-1].state
        for run in state.runs:
            usage = {"run_id": run.run_id, "workspace_id": state.workspace_id, "task_id": state.task_id, "calls": 9}
            connection.execute(insert(table_of(RunUsage)), {**usage, "cost_nano_usd": 1_000_000, "input_tokens": 9_000})
    return sum(map(len, batch))


async def ask(product: Product, cookie: str, requests: int, some: Sequence[int]) -> None:
    """Prints how long each page and list takes."""
    api, page = Line(product.web_url, product.admin_key), Line(product.web_url, "", headers=f"cookie: {cookie}\r\n")
    dice = random.Random(9)
    questions = {
        "board page": (page, lambda: "/"),
        "board page, one agent": (page, lambda: "/?agent=agent-3"),
        "task page": (page, lambda: f"/tasks/T-{dice.choice(some)}"),
        "API list, newest 50": (api, lambda: "/api/v1/tasks"),
        "API list, 200 ready": (api, lambda: "/api/v1/tasks?status=ready&limit=200"),
        "API list, 50 from anywhere": (api, lambda: f"/api/v1/tasks?cursor={render_cursor((dice.choice(some),))}"),
        "API list, 50 done": (api, lambda: f"/api/v1/tasks?status=done&cursor={render_cursor((dice.choice(some),))}"),
        "API show": (api, lambda: f"/api/v1/tasks/T-{dice.choice(some)}"),
    }
    for name, (line, path) in questions.items():
        seconds, size = [], 0
        with metered(product) as usage:
            for _ in range(requests):
                began = time.monotonic()
                answer = await line.ask("GET", path())
                seconds.append(time.monotonic() - began)
                size = max(size, len(answer) if isinstance(answer, bytes) else 0)
        cpu = 1000 * usage.cpu["web"] / requests
        note = f", {size // 1024} KB" if size else ""
        print(f"  {name:27} {percentiles(seconds)}, web CPU {cpu:.0f} ms{note}")
        await line.close()
    await until_quiet(product)


async def measure(product: Product, closed: int, opened: int, requests: int) -> None:
    cookie = await session_cookie(product)
    admin = Line(product.web_url, product.admin_key)
    team = await agents_of(admin, 12)
    await admin.close()
    place = Place(*workspace_of(product), tuple(agent.agent_id for agent in team))
    open_numbers, closed_numbers = range(closed + 1, closed + opened + 1), range(1, closed + 1)
    database = open_database(f"sqlite+aiosqlite:///{product.home / 'control.sqlite'}")
    try:
        for what, lives, some in (
            (f"{opened} open tasks alone", open_lives(place, open_numbers), open_numbers),
            (f"with {closed} closed ones", closed_lives(place, closed_numbers), range(1, closed + opened + 1)),
        ):
            began = time.monotonic()
            count = await write(database, lives)
            rate = count / (time.monotonic() - began)
            await until_quiet(product)
            print(f"{what} ({count} projections written, {rate:.0f} a second)")
            await ask(product, cookie, requests, some)
    finally:
        await database.close()


def workspace_of(product: Product) -> tuple[str, str]:
    connection = sqlite3.connect(product.home / "control.sqlite")
    found: tuple[str, str] = connection.execute("SELECT workspace_id, project_id FROM projects").fetchone()
    connection.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--closed", type=int, default=9000)
    parser.add_argument("--open", type=int, default=1000)
    parser.add_argument("--requests", type=int, default=60)
    options = parser.parse_args()
    with stage() as product:
        asyncio.run(measure(product, options.closed, options.open, options.requests))


if __name__ == "__main__":
    main()
