"""`python -m proxy.simulated` as the process that the supervisor starts."""

import contextlib
import signal
import socket
import subprocess
import sys
import time

import httpx2
import pytest


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def is_up(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


@pytest.fixture
def process():
    port = free_port()
    command = [sys.executable, "-m", "proxy.simulated", "--port", str(port), "--speed", "human"]
    running = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    deadline = time.monotonic() + 20
    while not is_up(port):
        assert running.poll() is None, "it ended"
        assert time.monotonic() < deadline, "it did not start"
        time.sleep(0.05)
    yield running, f"http://127.0.0.1:{port}"
    running.kill()
    running.communicate()


def test_it_answers_at_human_speed_and_stays_small(process):
    running, url = process
    body = {"model": "gpt-5-mini", "stream": True, "messages": [{"role": "user", "content": "[[sim:tokens 40]] Hello"}]}
    started, arrivals = time.monotonic(), []
    with httpx2.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=20) as answer:
        arrivals.extend(time.monotonic() - started for _ in answer.iter_lines())
    assert 0.4 <= arrivals[0] <= 1.2 + 1  # a second's grace for a busy machine
    assert arrivals[-1] - arrivals[0] >= 40 / 40 * 0.9
    with open(f"/proc/{running.pid}/status", encoding="utf-8") as status:
        resident_kib = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    assert resident_kib < 50 * 1024


def test_it_stops_when_told_even_while_a_client_waits(process):
    running, url = process
    body = {"model": "gpt-5-mini", "stream": True, "messages": [{"role": "user", "content": "[[sim:stall 3]]"}]}
    with httpx2.stream("POST", f"{url}/v1/chat/completions", json=body, timeout=20) as answer:
        next(answer.iter_lines())
        running.send_signal(signal.SIGTERM)
        output, _ = running.communicate(timeout=10)
    assert output == b""
