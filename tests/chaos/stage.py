"""Who takes part in a chaos run: a product, agents as processes, people, a viewer, and somebody who kills."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.client import PatientClient
from tests.chaos.duties import Rounds
from tests.chaos.graph import NEEDS, Node, draw_graph
from tests.chaos.interventions import Operator
from tests.chaos.killer import ROOT, AgentProcess, Killer
from tests.chaos.ledger import Ledger
from tests.chaos.options import Options
from tests.chaos.plan import agent_name, draw_plan
from tests.chaos.planner import Planner
from tests.chaos.reviewer import Reviewer
from tests.chaos.viewer import BoardViewer
from tests.product import Product

Say = Callable[[str], None]
# Silence is judged only when none of our processes was away meanwhile: a lease must fit between two kills, or what a
# killed agent held would come back after the last kill only. And it must be long enough for a loaded machine.
LEASE = {
    "POINTSMAN_LEASE_TTL_SECONDS": "5",
    "POINTSMAN_LEASE_GRACE_SECONDS": "2",
    "POINTSMAN_BEAT_SECONDS": "1",
}
# Both providers are the simulated one; it is told each call's trace, by which its count is compared.
PROVIDERS = """
providers:
  sim-openai: &simulated
    dialect: openai
    base_url: "{url}/v1"
    models: ["*"]
    simulated: true
    passes_trace_context: true
  sim-anthropic:
    <<: *simulated
    dialect: anthropic
"""


@dataclass
class Stage:
    """Everybody who takes part."""

    options: Options
    nodes: tuple[Node, ...]
    product: Product
    ledger: Ledger
    client: PatientClient
    agents: list[AgentProcess]
    killer: Killer
    planner: Planner
    reviewer: Reviewer
    operator: Operator
    rounds: Rounds
    viewer: BoardViewer


@asynccontextmanager
async def set_stage(options: Options, product: Product, folder: Path, say: Say) -> AsyncIterator[Stage]:
    nodes, books = draw_graph(options.seed, options.tasks), folder / "books"
    books.mkdir()
    ledger = Ledger(books)
    async with (
        PatientClient(product.web_url, product.admin_key, ledger) as client,
        BoardViewer(product.web_url, product.sign_in_url) as viewer,
    ):
        async with asyncio.timeout(60):
            agents = [await _agent(client, options, product, folder, number) for number in range(options.agents)]
        killer = Killer(product, agents, draw_plan(options), say)
        may_make = _pace(killer, options)
        planner = Planner(client, nodes, may_make)
        reviewer, operator = Reviewer(client, options.seed), Operator(client, options.seed, _able(options))
        rounds = Rounds(client, (reviewer, operator))
        yield Stage(
            options, nodes, product, ledger, client, agents, killer, planner, reviewer, operator, rounds, viewer
        )


def _pace(killer: Killer, options: Options) -> Callable[[], int]:
    """How many tasks may be there by now: a few at once, the rest as the kills go on, so that none meets idleness."""
    first = max(2, options.tasks // 6)

    def may_make() -> int:
        return first + options.tasks * (killer.done + 1) // options.kills

    return may_make


def _able(options: Options) -> dict[str, list[str]]:
    """Agents by what they can do: one or two things each, so that each thing has several; a small crew can do all."""
    able: dict[str, list[str]] = {need: [] for need in NEEDS}
    for number in range(options.agents):
        few = {NEEDS[number % len(NEEDS)], NEEDS[(number + 1 + number // len(NEEDS)) % len(NEEDS)]}
        for need in NEEDS if options.agents < 2 * len(NEEDS) else few:
            able[need].append(agent_name(number))
    return able


async def _agent(client: PatientClient, options: Options, product: Product, folder: Path, number: int) -> AgentProcess:
    name = agent_name(number)
    able = [need for need, names in _able(options).items() if name in names]
    key = (await client.tell("/keys", {"kind": "agent", "agent": name}))["key"]
    environment = {
        **product.environment,
        "POINTSMAN_URL": product.web_url,
        "POINTSMAN_KEY": str(key),
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'sdk'}",
        "CHAOS_AGENT": name,
        "CHAOS_CAPABILITIES": ",".join(able),
        "CHAOS_SEED": str(options.seed),
        "CHAOS_BOOKS": str(folder / "books"),
    }
    return AgentProcess(name, environment, folder / f"{name}.log")
