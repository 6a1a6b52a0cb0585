"""One chaos run from the first process to the last check. Every wait in it has an end.

product up ─▶ agents, planner, reviewer, viewer, killer ─▶ all tasks closed ─▶ settled ─▶ checks ─▶ product down
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.checks import Finding, check_commands, check_leases, check_tasks
from tests.chaos.client import PatientClient, Refused
from tests.chaos.costs import check_costs
from tests.chaos.evidence import Evidence, collect, settled
from tests.chaos.graph import NEEDS, Node, draw_graph
from tests.chaos.killer import ROOT, AgentProcess, Killer, NotBack
from tests.chaos.ledger import Ledger
from tests.chaos.options import Options
from tests.chaos.people import Planner, Reviewer
from tests.chaos.plan import agent_name, describe_plan, draw_plan
from tests.chaos.viewer import BoardViewer
from tests.conftest import find_free_offset
from tests.product import Product, start_product

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
AGREE_SECONDS = 20.0
CLAIM_SLACK_MS = 30_000  # a claim may be applied so long after the death of the agent that asked for it
SAY_EVERY_SECONDS = 15.0
Say = Callable[[str], None]


@dataclass
class Report:
    """What came of a run."""

    options: Options
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        return bool(self.findings) and all(finding.is_ok for finding in self.findings)

    def __str__(self) -> str:
        verdict = "nothing lost, nothing doubled" if self.is_clean else "NOT CLEAN"
        return "\n".join([*map(str, self.findings), f"  {verdict}. To repeat: {self.options.command}"])


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
    viewer: BoardViewer


def run_chaos(options: Options, folder: Path, say: Say) -> Report:
    """Starts a product of its own in `folder`, does its worst, and tells what it found."""
    say(f"Seed {options.seed}. {options.command}")
    say(f"  kill plan (seconds after the one before):\n{describe_plan(draw_plan(options))}")
    offset = find_free_offset(Random(os.urandom(8)))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "pointsman.yaml").write_text(PROVIDERS.format(url=f"http://127.0.0.1:{8790 + offset}"), encoding="utf-8")
    with start_product(folder / "home", offset, **LEASE) as product:
        say(f"  product up, board {product.web_url}, everything in {folder}")
        return asyncio.run(_run(options, product, folder, say))


async def _run(options: Options, product: Product, folder: Path, say: Say) -> Report:
    report = Report(options)
    async with _stage(options, product, folder, say) as stage:
        work = Finding("work")
        report.findings.append(work)
        watching = asyncio.create_task(stage.viewer.watch(), name="viewer")  # noqa: TID251 - ended below
        try:
            await _work(stage, work, say)
            work.against += await asyncio.to_thread(settled, product)
            found = await asyncio.to_thread(collect, product)
            report.findings += _look(stage, found)
            report.findings.append(await _check_board(stage.viewer, watching))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        report.findings.append(await asyncio.to_thread(_check_doctor, product))
    return report


@asynccontextmanager
async def _stage(options: Options, product: Product, folder: Path, say: Say) -> AsyncIterator[Stage]:
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
        reviewer = Reviewer(client, options.seed, _able(options))
        yield Stage(options, nodes, product, ledger, client, agents, killer, planner, reviewer, viewer)


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


async def _work(stage: Stage, finding: Finding, say: Say) -> None:
    """Until every task is closed and every kill is done, or the minutes are over."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(stage.options.minutes * 60), asyncio.TaskGroup() as group:
            helpers = [group.create_task(agent.keep(), name=agent.name) for agent in stage.agents]
            helpers.append(group.create_task(stage.reviewer.work(), name="reviewer"))
            helpers.append(group.create_task(_tell(stage, say, began), name="teller"))
            killing = group.create_task(stage.killer.work(), name="killer")
            making = group.create_task(stage.planner.make_all(), name="planner")
            await asyncio.wait({killing, making})
            while stage.reviewer.closed < len(stage.nodes):
                await asyncio.sleep(0.1)
            for helper in helpers:
                helper.cancel()
    except* TimeoutError:
        finding.against.append(f"not all was done after {stage.options.minutes:g} minutes: {_standing(stage)}")
    except* (NotBack, Refused) as faults:
        finding.against += [str(fault) for fault in faults.exceptions]
    starts = sum(agent.starts for agent in stage.agents)
    finding.text = (
        f"{stage.killer.done} kills in {time.monotonic() - began:.0f} s; {starts} agent processes of "
        f"{len(stage.agents)} agents; {stage.client.retries} retries of people, {stage.reviewer.reassigned} tasks "
        f"reassigned, {stage.reviewer.helped} calls for help"
    )


async def _tell(stage: Stage, say: Say, began: float) -> None:
    while True:
        await asyncio.sleep(SAY_EVERY_SECONDS)
        say(f"  t+{time.monotonic() - began:5.1f} s  {_standing(stage)}")


def _standing(stage: Stage) -> str:
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(stage.reviewer.statuses.items()))
    made = f"{len(stage.planner.task_ids)} of {len(stage.nodes)} made"
    return f"{stage.killer.done} of {len(stage.killer.plan)} kills; {made}; {statuses}"


def _look(stage: Stage, found: Evidence) -> list[Finding]:
    return [
        check_tasks(found, stage.nodes, stage.planner.task_ids),
        check_commands(found, stage.ledger, stage.client.refusals),
        check_costs(found),
        check_leases(found, _excused(stage, found)),
    ]


def _excused(stage: Stage, found: Evidence) -> set[str]:
    """Runs that may have been lost: their agent ended under them, or could not be heard when it gave them up."""
    given_up = {str(note["run_id"]) for _, note in stage.ledger.notes() if note["note"] in {"raised", "forgot"}}
    ended = {agent.name: agent.ended_at_ms for agent in stage.agents}
    for run in found.runs.values():
        since, until = run["started_at_ms"] - CLAIM_SLACK_MS, run["ended_at_ms"] or 0
        if any(since <= at_ms <= until for at_ms in ended.get(found.agents.get(run["agent_id"], ""), [])):
            given_up.add(run["run_id"])
    return given_up


async def _check_board(viewer: BoardViewer, watching: "asyncio.Task[None]") -> Finding:
    """A page that was open from the first task on shows what a fresh one shows."""
    deadline = time.monotonic() + AGREE_SECONDS
    while (fresh := await viewer.fresh_board()) != viewer.board() and time.monotonic() < deadline:
        await asyncio.sleep(0.5)
    finding = Finding(
        "board",
        f"{viewer.fragments} messages over {viewer.connects} streams, {viewer.resyncs} resyncs; "
        f"{len(fresh)} characters {'equal' if fresh == viewer.board() else 'NOT equal'} to a fresh page's",
    )
    if watching.done():
        finding.against.append(f"the viewer broke: {watching.exception()!r}")
    if fresh != viewer.board():
        old, new = viewer.board().splitlines(), fresh.splitlines()
        finding.against += [f"open page only: {line}" for line in old if line not in new]
        finding.against += [f"fresh page only: {line}" for line in new if line not in old]
        finding.against = finding.against or ["the same lines in another order"]
    return finding


def _check_doctor(product: Product) -> Finding:
    said = product.command("doctor", check=False)
    lines = [line.strip() for line in said.stdout.splitlines() if "✗" in line]
    finding = Finding("doctor", f"exit code {said.returncode}")
    if said.returncode or lines:
        finding.against = lines or [said.stdout[-500:] + said.stderr[-500:]]
    return finding
