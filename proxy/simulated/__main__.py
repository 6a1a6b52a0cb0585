"""Runs the simulated provider and tool server: `python -m proxy.simulated --port 8790 --speed human`.

State: only the count at `/sim/calls`, in memory. Killed at any moment it loses that count and cuts the answers under
way, as a provider's outage would; started again it serves at once. SIGTERM ends it within a second.
"""

import argparse

import uvicorn

from proxy.simulated.app import SimulatedServer


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m proxy.simulated", description="Simulated provider and tools.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--speed", choices=("human", "fast"), default="human")
    options = parser.parse_args()
    uvicorn.run(
        SimulatedServer(options.speed),
        host=options.host,
        port=options.port,
        lifespan="off",
        log_level="critical",  # a scripted cut is not an incident; the gateway logs what matters
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )


if __name__ == "__main__":
    main()
