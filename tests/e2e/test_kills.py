"""Every process is killed with SIGKILL while people and agents work; nothing is lost, nothing happens twice."""

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Lock
from typing import Any, Self

import httpx2
import pytest
from pointsman.contract import IdPrefix, new_id

from tests.conftest import find_free_offset
from tests.product import Product, start_product, wait_until

TASKS = 25
PATIENCE_SECONDS = 60.0
KILLED_IN_TURN = ("workers", "proxy", "web", "temporal")


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product of our own: its processes die, which other tests need not see."""
    home = tmp_path_factory.mktemp("mortal") / "home"
    with start_product(home, find_free_offset(Random(os.urandom(8)))) as running:
        yield running


class Insistent:
    """A client as the documentation asks for: it repeats a command with the same id until it is answered."""

    def __init__(self, product: Product) -> None:
        self._base = f"{product.web_url}/api/v1"
        self._client = httpx2.Client(headers={"authorization": f"Bearer {product.admin_key}"}, timeout=10)
        self._lock = Lock()
        self.accepted = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._client.close()

    def command(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        command_id = new_id(IdPrefix.COMMAND)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                answer = self._client.post(f"{self._base}{path}", json=body, headers={"idempotency-key": command_id})
            except httpx2.TransportError:
                answer = None
            if answer is not None and answer.status_code < 500:
                assert answer.is_success, answer.text
                with self._lock:
                    self.accepted += 1
                return dict(answer.json())
            assert time.monotonic() < deadline, f"{path} was not accepted in {PATIENCE_SECONDS:.0f} s: {answer}"
            time.sleep(0.2)

    def read(self, path: str) -> dict[str, Any]:
        answer = self._client.get(f"{self._base}{path}")
        assert answer.is_success, answer.text
        return dict(answer.json())


def _four_commands(client: Insistent, number: int) -> str:
    """Creates a task, edits it, takes it out of the queue, puts it back: four revisions."""
    task = client.command("/tasks", {"title": f"Survive {number}", "needs": ["nobody"]})
    ref = str(task["ref"])
    client.command(f"/tasks/{ref}/edit", {"title": f"Survived {number}"})
    client.command(f"/tasks/{ref}/move", {"to": "backlog"})
    client.command(f"/tasks/{ref}/move", {"to": "ready"})
    return ref


def _is_back(product: Product, name: str, killed_pid: int) -> bool:
    entry = product.run_file.get(name)
    return entry is not None and entry["pid"] != killed_pid


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_hundred_commands_are_applied_once_each_while_every_process_is_killed_in_turn(mortal: Product) -> None:
    with Insistent(mortal) as client, ThreadPoolExecutor(4) as people:
        work = [people.submit(_four_commands, client, number) for number in range(TASKS)]
        for turn, name in enumerate(KILLED_IN_TURN):
            assert wait_until(lambda mark=turn: client.accepted >= 10 + 20 * mark, PATIENCE_SECONDS)
            killed = mortal.kill(name)
            assert wait_until(lambda n=name, pid=killed: _is_back(mortal, n, pid), 30), f"{name} did not come back"
        refs = [task.result(timeout=PATIENCE_SECONDS) for task in work]

        assert len(set(refs)) == TASKS
        for ref in refs:
            task = client.read(f"/tasks/{ref}")
            assert (task["status"], task["revision"]) == ("ready", 4), ref
            assert task["title"].startswith("Survived ")
            kinds = [event["kind"] for event in client.read(f"/tasks/{ref}/activity")["activity"]]
            assert kinds == ["task_created", "task_edited", "task_moved", "task_moved"], ref


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_after_the_death_of_the_supervisor_the_next_up_works_and_keeps_the_tasks(tmp_path: Path) -> None:
    home, offset = tmp_path / "home", find_free_offset(Random(os.urandom(8)))
    with start_product(home, offset) as first, Insistent(first) as client:
        ref = str(client.command("/tasks", {"title": "Outlive my supervisor"})["ref"])
        pids = [entry["pid"] for entry in first.run_file.values() if isinstance(entry, dict)]
        first.process.kill()
        assert wait_until(lambda: not any(_is_alive(pid) for pid in pids), 15), "children outlived their parent"
    (home / "run.json").rename(tmp_path / "stale.json")  # else the fixture would take the old file for a new start
    with start_product(home, offset) as second, Insistent(second) as client:
        assert client.read(f"/tasks/{ref}")["title"] == "Outlive my supervisor"


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
