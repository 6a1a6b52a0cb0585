"""`python bench/run.py`: what a call costs the proxy, beside the least Python can do (floor) and nginx if installed.

Runs the side-by-side harness of `POINTSMAN_BENCH` (default `../shared/bench`) on this checkout in its release form:
key, route, usage, cost and log on. Prints its tables and one of ratios; exits 1 when the gate of CPU per JSON call is
missed.
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
GATE_US = 150  # CPU per JSON call at 64 connections, on the machine class of README.md
PORTS = ("floor", "ours", "ours-bodies")


def main() -> int:
    options = parse_options()
    harness = Path(os.environ.get("POINTSMAN_BENCH", CHECKOUT.parent / "shared" / "bench")).resolve()
    if not (harness / "bench.py").is_file():
        print(f"bench: no harness at {harness}; set POINTSMAN_BENCH to the folder with bench.py", file=sys.stderr)
        return 2
    *ports, mock_port, _, _ = free_ports(len(PORTS) + 3)
    with tempfile.TemporaryDirectory(prefix="pointsman-bench-") as folder:
        targets, results = Path(folder) / "targets.json", Path(folder) / "results.json"
        targets.write_text(json.dumps(read_targets(harness, options.only, ports)), encoding="utf-8")
        command = [
            sys.executable, str(harness / "bench.py"), str(targets), "--scenario", *options.scenario,
            "--rounds", str(options.rounds), "--seconds", str(options.seconds), "--warmup", "2",
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
    parser.add_argument("--only", default="", help="comma-separated targets: floor,ours,nginx")
    parser.add_argument("--nice", type=int, default=0, help="negative, as root: keeps other work out of the figures")
    return parser.parse_args()


def read_targets(harness: Path, only: str, ports: list[int]) -> list[dict[str, object]]:
    """Ours (without and with bodies in the log) and the floor on free ports, nginx as the harness configures it."""
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
    if shutil.which("nginx"):
        made = subprocess.run([sys.executable, str(harness / "peers.py")], check=True, capture_output=True, text=True)
        targets += [target for target in json.loads(made.stdout) if target["name"] == "nginx"]
    names = [name for name in only.split(",") if name]
    return [target for target in targets if not names or target["name"] in names]


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


def report(results: dict[str, dict[str, list[dict[str, float]]]]) -> int:
    """Ratios of CPU per call, which move least between machines; and the gate."""
    names = ("floor", "ours", "ours-bodies", "nginx")
    print("\n### CPU per call, microseconds\n")
    print(f"| scenario | {' | '.join(names)} | ours / floor | ours / nginx |")
    print("|---|" + "---|" * (len(names) + 2))
    is_missed = False
    for scenario, by_target in results.items():
        cpu = {name: 1000 * statistics.median(one["cpu_s_per_1k"] for one in runs) for name, runs in by_target.items()}
        row = [f"{cpu[name]:.0f}" if name in cpu else "-" for name in names]
        others = [name if {name, "ours"} <= set(cpu) else "" for name in ("floor", "nginx")]
        ratios = [f"{cpu['ours'] / cpu[name]:.2f}" if name else "-" for name in others]
        print(f"| {scenario} | {' | '.join(row + ratios)} |")
        is_missed |= scenario == "json:64" and cpu.get("ours", 0) > GATE_US
    if is_missed:
        print(f"\nGate missed: more than {GATE_US} us of CPU per JSON call at 64 connections.")
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
