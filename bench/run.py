"""`python bench/run.py`: what a call costs the proxy, beside the least Python can do (floor) and peers that are there.

Runs the side-by-side harness of `POINTSMAN_BENCH` (default `../shared/bench`) on this checkout in its release form:
key, route, usage, cost and log on. nginx is found on the PATH; Portkey and LiteLLM where `--portkey` and `--litellm`
say. Prints the harness's tables and two of ratios; exits 1 when the gate of CPU per JSON call is missed.
"""

import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
GATE = {"json:64": 1.67, "burst:16": 1.67}  # times the floor's CPU: this moves least between machines and hours
PORTS = ("floor", "ours", "ours-bodies")
Results = dict[str, dict[str, list[dict[str, float]]]]  # by scenario and target, a round each
PEERS = ("nginx", "portkey", "litellm")


def main() -> int:
    options = parse_options()
    harness = Path(os.environ.get("POINTSMAN_BENCH", CHECKOUT.parent / "shared" / "bench")).resolve()
    if not (harness / "bench.py").is_file():
        print(f"bench: no harness at {harness}; set POINTSMAN_BENCH to the folder with bench.py", file=sys.stderr)
        return 2
    *ports, mock_port, _, _ = free_ports(len(PORTS) + 3)
    with tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder:
        targets, results = Path(folder) / "targets.json", Path(folder) / "results.json"
        targets.write_text(json.dumps(read_targets(harness, options, ports)), encoding="utf-8")
        command = [
            sys.executable, str(harness / "bench.py"), str(targets), "--scenario", *options.scenario,
            "--rounds", str(options.rounds), "--seconds", str(options.seconds), "--warmup", str(options.warmup),
            "--mock-port", str(mock_port), "--out", str(results), "--vars",
            f"python={sys.executable}", f"checkout={CHECKOUT}",
        ]  # fmt: skip
        if options.nice:
            command += ["--nice", str(options.nice)]
        done = subprocess.run(command, check=False)
        if done.returncode:
            return done.returncode
        return report(json.loads(results.read_text(encoding="utf-8")))


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenario", nargs="+", default=["json:1,64", "burst:16", "paced:100"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--warmup", type=float, default=2, help="seconds; Node needs 4")
    parser.add_argument("--only", default="", help="comma-separated targets: floor,ours,nginx")
    parser.add_argument("--portkey", default="", help="a folder with node_modules/@portkey-ai/gateway")
    parser.add_argument("--litellm", default="", help="a virtual environment with litellm[proxy]")
    parser.add_argument("--nice", type=int, default=0, help="negative, as root: keeps other work out of the figures")
    return parser.parse_args()


def read_targets(harness: Path, options: argparse.Namespace, ports: list[int]) -> list[dict[str, object]]:
    """Ours (without and with bodies in the log) and the floor on free ports, peers as the harness configures them."""
    text = (CHECKOUT / "bench" / "ours.json").read_text(encoding="utf-8")
    floor, ours = json.loads(text)
    bodies = {**ours, "name": "ours-bodies", "files": {"{tmp}/bodies/proxy.yaml": next(iter(ours["files"].values()))}}
    targets = [floor, ours, bodies]
    for target, port, policy in zip(targets, ports, ("", "metadata", "full"), strict=True):
        filled = json.dumps(target).replace("{port_floor}", str(port)).replace("{port_ours}", str(port))
        filled = filled.replace("{body_policy}", policy)
        if target is bodies:
            filled = filled.replace("{tmp}/ours/", "{tmp}/bodies/")
        target.update(json.loads(filled), port=port)
    names = [name for name in options.only.split(",") if name]
    return [target for target in targets + read_peers(harness, options) if not names or target["name"] in names]


def read_peers(harness: Path, options: argparse.Namespace) -> list[dict[str, object]]:
    command = [sys.executable, str(harness / "peers.py"), "--portkey", options.portkey, "--litellm", options.litellm]
    made: list[dict[str, object]] = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    return [target for target in made if target["name"] != "nginx" or shutil.which("nginx")]


def free_ports(count: int) -> list[int]:
    """A run of free ports."""
    for first in range(21_000, 60_000, 97):
        ports = range(first, first + count)
        if all(is_free(port) for port in ports):
            return list(ports)
    raise RuntimeError("no free ports")


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def report(results: Results) -> int:
    """CPU per call, which moves least between machines, and calls per second; and the gate."""
    cpu = medians(results, "cpu_s_per_1k", 1000)
    print_table("CPU per call, microseconds; ratios are ours to theirs", cpu)
    print_table("Calls per second", medians(results, "rps", 1))
    missed = 0
    for scenario, most in GATE.items():
        found = cpu.get(scenario, {})
        if {"floor", "ours"} <= set(found) and found["ours"] > most * found["floor"]:
            print(f"\nGate missed: {scenario} takes more than {most} times the floor's CPU.")
            missed = 1
    return missed


def medians(
    results: dict[str, dict[str, list[dict[str, float]]]], key: str, unit: float
) -> dict[str, dict[str, float]]:
    return {
        scenario: {name: unit * statistics.median(one[key] for one in runs) for name, runs in by_target.items()}
        for scenario, by_target in results.items()
    }


def print_table(title: str, figures: dict[str, dict[str, float]]) -> None:
    """A row for each scenario: every target's figure, then ours in units of the others'."""
    there = {name for row in figures.values() for name in row}
    names = [name for name in (*PORTS, *PEERS) if name in there]
    others = [name for name in names if name not in {"ours", "ours-bodies"}] if "ours" in there else []
    print(f"\n### {title}\n\n| scenario | {' | '.join([*names, *(f'/ {name}' for name in others)])} |")
    print("|---|" + "---|" * (len(names) + len(others)))
    for scenario, row in figures.items():
        own = [f"{row[name]:.0f}" if name in row else "-" for name in names]
        ratios = [f"{row['ours'] / row[name]:.3g}" if row.get(name) and "ours" in row else "-" for name in others]
        print(f"| {scenario} | {' | '.join(own + ratios)} |")


if __name__ == "__main__":
    sys.exit(main())
