"""Lets four coding agents do an errand through the gateway with a model of a dialect that they do not speak.

    .venv/bin/python deploy/coding_agents/run.py [--only codex] [--cache FOLDER] [--keep]

Installs Claude Code, Codex CLI, Gemini CLI and opencode from npm into a folder (1.1 GB; `--cache` keeps it for the next
time), starts a played model and `proxy serve` in front of it for each, and runs each program without a person. It has
to write a file by a tool of its own, and the gateway's log has to name every call. Prints a table; 1 if one failed.
Nothing leaves this machine but npm's downloads. Killed, it leaves its folder under the system's temporary one.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from played_model import ERRAND, FILE_NAME, LAST_WORDS, PlayedModel, served
from programs import PROGRAMS, Asking, Program

CHECKOUT = Path(__file__).resolve().parents[2]
KEY = "pointsman-key-of-a-coding-agent"
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
        outcomes = [try_program(one, installed, scratch / one.command) for one in wanted]
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


def try_program(program: Program, installed: Path, scratch: Path) -> Outcome:
    outcome = Outcome(program)
    command = installed / "node_modules" / ".bin" / program.command
    if not command.exists():
        outcome.problem = "npm could not install it"
        return outcome
    home, folder = scratch / "home", scratch / "work"
    home.mkdir(parents=True)
    folder.mkdir()
    model = PlayedModel(folder, program.uses_helper)
    with served(model), gateway(program, model, scratch) as url:
        asking = Asking(url, KEY, program.model, home, folder, ERRAND)
        program.prepare(asking)
        outcome.version = run(command, ["--version"], {}, asking, 60).stdout.strip().split("\n")[-1]
        started = time.monotonic()
        said = run(command, program.arguments(asking), program.environment(asking), asking, LONGEST_SECONDS)
        outcome.seconds = time.monotonic() - started
    (scratch / "said.txt").write_text(f"{said.stdout}\n--- stderr\n{said.stderr}", "utf-8")
    outcome.tools, outcome.calls = model.called, ended_calls(scratch / "calls.jsonl")
    outcome.problem = find_problem(outcome, said, folder, len(model.asked))
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


def find_problem(outcome: Outcome, said: subprocess.CompletedProcess[str], folder: Path, asked: int) -> str:
    if said.returncode:
        return f"ended with {said.returncode}: {(said.stderr or said.stdout).strip()[-300:]}"
    if not (folder / FILE_NAME).exists():
        return f"wrote no {FILE_NAME}: {(said.stdout or said.stderr).strip()[-300:]}"
    if LAST_WORDS not in said.stdout:
        return f"did not print the last words: {said.stdout.strip()[-300:]}"
    if len(outcome.calls) != asked:
        return f"{asked} calls reached the model, {len(outcome.calls)} are in the log"
    bad = [one for one in outcome.calls if one["outcome"] != "ok"]
    return f"calls that did not end well: {bad[0]}" if bad else ""


@contextmanager
def gateway(program: Program, model: PlayedModel, scratch: Path) -> Iterator[str]:
    """`proxy serve` with one provider of the foreign dialect. Ended when the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    provider = {"dialect": program.foreign, "base_url": f"http://127.0.0.1:{model.port}/v1", "api_key": "played"}
    settings = {
        "listen": {"port": port},
        "keys": [{"name": program.command, "key": KEY}],
        "providers": {"foreign": provider},
        "log": str(scratch / "calls.jsonl"),
        "state": str(scratch / "state"),
    }
    config = scratch / "proxy.yaml"
    config.write_text(json.dumps(settings), "utf-8")
    arguments = [sys.executable, "-m", "proxy", "serve", "--config", str(config)]
    process = subprocess.Popen(arguments, cwd=CHECKOUT)
    try:
        await_port(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def await_port(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        connection = HTTPConnection("127.0.0.1", port, timeout=1)
        try:
            connection.request("GET", "/healthz")
            connection.getresponse().read()
        except ConnectionError:
            time.sleep(0.1)
        else:
            return
        finally:
            connection.close()
    raise SystemExit("the gateway did not start")


def ended_calls(log: Path) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []
    return [record for record in records if record["type"] == "call_ended"]


def show(outcomes: list[Outcome]) -> None:
    rows = [("program", "version", "speaks", "model of", "calls", "tools", "seconds", "")]
    for one in outcomes:
        of = one.program
        rows.append(
            (
                of.name, one.version, of.dialect, of.foreign, str(len(one.calls)), " ".join(one.tools),
                f"{one.seconds:.1f}", one.problem or "done",
            )
        )  # fmt: skip
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]) - 1)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]))


if __name__ == "__main__":
    sys.exit(main())
