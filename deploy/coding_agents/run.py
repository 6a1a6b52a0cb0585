"""Lets four coding agents do an errand through the gateway with a model of a dialect that they do not speak.

    .venv/bin/python deploy/coding_agents/run.py [--only codex] [--cache FOLDER] [--keep]

Installs Claude Code, Codex CLI, Gemini CLI and opencode from npm into a folder (1.1 GB; `--cache` keeps it for the next
time), starts Pointsman with played models as its providers, and gives each program a task: it runs without a person,
on the run's key, and has to write a file by a tool of its own. Every call has to stand under the task, helpers' ones
apart. Prints a table; 1 if one failed.
Nothing leaves this machine but npm's downloads. Killed, it leaves its folder under the system's temporary one.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from played_model import ERRAND, FILE_NAME, LAST_WORDS, PlayedModel, served
from pointsman import Agent
from product import Product, running_product
from programs import PROGRAMS, Asking, Program

LONGEST_SECONDS = 180.0


@dataclass
class Outcome:
    """What came of one program's errand."""

    program: Program
    version: str = ""
    problem: str = ""
    tools: list[str] = field(default_factory=list)
    calls: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    task: str = ""

    @property
    def of_helpers(self) -> int:
        """Calls of agents that the program started itself."""
        return len([one for one in self.calls if one["subagent"]])


def main() -> int:
    parser = argparse.ArgumentParser(description="Coding agents through the gateway.")
    parser.add_argument("--only", action="append", help="a command's name, such as codex; may be repeated")
    parser.add_argument("--cache", type=Path, help="where the programs are installed, and found the next time")
    parser.add_argument(
        "--keep", action="store_true", help="keep what the programs printed, and the log of their calls"
    )
    options = parser.parse_args()
    wanted = [one for one in PROGRAMS if not options.only or one.command in options.only]
    scratch = Path(tempfile.mkdtemp(prefix="coding-agents-"))
    try:
        installed = options.cache or scratch / "programs"
        install(installed, wanted)
        outcomes = try_all(wanted, installed, scratch)
    finally:
        if options.keep:
            print(f"kept: {scratch}")
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    show(outcomes)
    return 1 if any(one.problem for one in outcomes) else 0


def install(folder: Path, wanted: list[Program]) -> None:
    """What npm has of them; one that cannot be had is missing later, and said so."""
    missing = [one.package for one in wanted if not (folder / "node_modules" / ".bin" / one.command).exists()]
    if missing:
        folder.mkdir(parents=True, exist_ok=True)
        print(f"installing {', '.join(missing)} …", flush=True)
        subprocess.run(["npm", "install", "--prefix", folder, "--no-audit", "--no-fund", *missing], check=False)


def try_all(wanted: list[Program], installed: Path, scratch: Path) -> list[Outcome]:
    with ExitStack() as stack:
        models = {}
        for one in wanted:
            folder = scratch / one.command / "work"
            folder.mkdir(parents=True)
            models[one.command] = stack.enter_context(served(PlayedModel(folder, one.uses_helper)))
        providers = {
            f"of-{one.command}": {
                "dialect": one.foreign,
                "base_url": f"http://127.0.0.1:{models[one.command].port}/v1",
                "api_key": "played",
                "models": [one.model],
            }
            for one in wanted
        }
        product = stack.enter_context(running_product(scratch, providers))
        return [try_program(one, installed, product, models[one.command]) for one in wanted]


def try_program(program: Program, installed: Path, product: Product, model: PlayedModel) -> Outcome:
    """Gives the program's agent a task, and runs it on the run's key."""
    outcome = Outcome(program)
    command = installed / "node_modules" / ".bin" / program.command
    if not command.exists():
        outcome.problem = "npm could not install it"
        return outcome
    key = product.command("keys", "create", "--agent", program.command)
    product.command("task", "create", ERRAND, "--agent", program.command)
    home = model.folder.parent / "home"
    home.mkdir()
    for task in Agent(program.command, url=product.web_url, key=key).tasks():
        asking = Asking(task.gateway_url, task.gateway_key, program.model, home, model.folder, ERRAND)
        program.prepare(asking)
        outcome.version = run(command, ["--version"], {}, asking, 60).stdout.strip().split("\n")[-1]
        started = time.monotonic()
        said = run(command, program.arguments(asking), program.environment(asking), asking, LONGEST_SECONDS)
        outcome.seconds = time.monotonic() - started
        task.submit(said.stdout or "nothing")
        outcome.task = task.ref
        break
    (home.parent / "said.txt").write_text(f"{said.stdout}\n--- stderr\n{said.stderr}", "utf-8")
    outcome.tools, outcome.calls = model.called, product.recorded_calls(outcome.task, len(model.asked))
    outcome.problem = find_problem(outcome, said, model)
    return outcome


def run(
    command: Path, arguments: list[str], environment: Any, asking: Asking, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Knows of the user's environment where programs are, and nothing else."""
    clean = {"PATH": os.environ["PATH"], "HOME": str(asking.home), "TERM": "dumb", "NO_COLOR": "1", **environment}
    try:
        return subprocess.run(
            [command, *arguments], env=clean, cwd=asking.folder, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        said = [part.decode() if isinstance(part, bytes) else part or "" for part in (error.stdout, error.stderr)]
        return subprocess.CompletedProcess([], -1, said[0], f"{said[1]}\nnot done after {seconds:.0f} s")


def find_problem(outcome: Outcome, said: subprocess.CompletedProcess[str], model: PlayedModel) -> str:
    if said.returncode:
        return f"ended with {said.returncode}: {(said.stderr or said.stdout).strip()[-300:]}"
    if not (model.folder / FILE_NAME).exists():
        return f"wrote no {FILE_NAME}: {(said.stdout or said.stderr).strip()[-300:]}"
    if LAST_WORDS not in said.stdout:
        return f"did not print the last words: {said.stdout.strip()[-300:]}"
    if len(outcome.calls) != len(model.asked):
        return f"{len(model.asked)} calls reached the model, {len(outcome.calls)} stand under the task"
    if model.uses_helper and not outcome.of_helpers:
        return "no call stands under a helper's name"
    bad = [one for one in outcome.calls if one["outcome"] != "ok"]
    return f"calls that did not end well: {bad[0]}" if bad else ""


def show(outcomes: list[Outcome]) -> None:
    rows = [("program", "version", "speaks", "model of", "task", "calls", "of helpers", "tools", "seconds", "")]
    for one in outcomes:
        of = one.program
        counts = (one.task, str(len(one.calls)), str(one.of_helpers))
        ending = (" ".join(one.tools), f"{one.seconds:.1f}", one.problem or "done")
        rows.append((of.name, one.version, of.dialect, of.foreign, *counts, *ending))
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]))


if __name__ == "__main__":
    sys.exit(main())
