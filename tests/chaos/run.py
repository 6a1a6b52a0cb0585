"""One chaos run from the first process to the last check. Every wait in it has an end.

product up ─▶ agents, planner, people, viewer, killer ─▶ all tasks closed ─▶ settled ─▶ checks ─▶ product down
"""

import asyncio
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests.chaos.checks import Finding, check_commands, check_leases, check_tasks
from tests.chaos.client import Refused
from tests.chaos.costs import check_costs
from tests.chaos.engine import check_engine
from tests.chaos.evidence import Evidence, collect, settled
from tests.chaos.killer import NotBack
from tests.chaos.options import Options
from tests.chaos.outside import check_board, check_doctor
from tests.chaos.plan import describe_plan, draw_plan
from tests.chaos.stage import LEASE, PROVIDERS, Say, Stage, set_stage
from tests.conftest import find_free_offset
from tests.product import Product, start_product

CLAIM_SLACK_MS = 30_000  # a claim may be applied so long after the death of the agent that asked for it
SAY_EVERY_SECONDS = 15.0


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
    async with set_stage(options, product, folder, say) as stage:
        work = Finding("work")
        report.findings.append(work)
        watching = asyncio.create_task(stage.viewer.watch(), name="viewer")  # noqa: TID251 - ended below
        try:
            await _work(stage, work, say)
            work.against += await asyncio.to_thread(settled, product)
            found = await asyncio.to_thread(collect, product)
            report.findings += _look(stage, found)
            report.findings.append(await check_board(stage.viewer, watching))
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
        report.findings.append(await check_engine(found, stage.killer))
        report.findings.append(await asyncio.to_thread(check_doctor, product))
    return report


async def _work(stage: Stage, finding: Finding, say: Say) -> None:
    """Until every task is closed and every kill is done, or the minutes are over."""
    began = time.monotonic()
    try:
        async with asyncio.timeout(stage.options.minutes * 60), asyncio.TaskGroup() as group:
            helpers = [group.create_task(agent.keep(), name=agent.name) for agent in stage.agents]
            helpers.append(group.create_task(stage.rounds.walk(), name="rounds"))
            helpers.append(group.create_task(_tell(stage, say, began), name="teller"))
            killing = group.create_task(stage.killer.work(), name="killer")
            making = group.create_task(stage.planner.make_all(), name="planner")
            stopping = group.create_task(_freeze_half_way(stage), name="red button")
            await asyncio.wait({killing, making, stopping})
            while stage.rounds.closed < len(stage.nodes):
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
        f"{len(stage.agents)} agents; {stage.client.retries} retries of people; "
        f"{stage.operator.told}, {stage.reviewer.helped} calls for help"
    )


async def _freeze_half_way(stage: Stage) -> None:
    """Everything, once, in the middle of the kills."""
    while stage.killer.done * 2 < len(stage.killer.plan):
        await asyncio.sleep(0.1)
    await stage.operator.freeze_all()


async def _tell(stage: Stage, say: Say, began: float) -> None:
    while True:
        await asyncio.sleep(SAY_EVERY_SECONDS)
        say(f"  t+{time.monotonic() - began:5.1f} s  {_standing(stage)}")


def _standing(stage: Stage) -> str:
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(stage.rounds.statuses.items()))
    made = f"{len(stage.planner.task_ids)} of {len(stage.nodes)} made"
    return f"{stage.killer.done} of {len(stage.killer.plan)} kills; {made}; {statuses}"


def _look(stage: Stage, found: Evidence) -> list[Finding]:
    return [
        check_tasks(found, stage.nodes, stage.planner.task_ids),
        check_commands(found, stage.ledger, stage.client.refusals),
        check_costs(found),
        check_leases(found, _excused(stage, found), {entry.run_id for entry in stage.ledger.of_agents()}),
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
