"""An agent that falls silent, and a server that dies under it, on a product of our own with short leases."""

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest
from pointsman import Agent

from tests.conftest import find_free_offset
from tests.integration.sdk.people import PATIENCE_SECONDS, Person
from tests.product import Product, start_product, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("outages")]

ROOT = Path(__file__).parent.parent.parent.parent
TTL_SECONDS, GRACE_SECONDS = 2.0, 1.0
LEASE = {
    "POINTSMAN_LEASE_TTL_SECONDS": str(TTL_SECONDS),
    "POINTSMAN_LEASE_GRACE_SECONDS": str(GRACE_SECONDS),
    "POINTSMAN_BEAT_SECONDS": "0.5",
}
PROGRAM = """
import sys, time
from pathlib import Path
from pointsman import Agent
name, go = sys.argv[1], Path(sys.argv[2])
with Agent(name, [name]) as agent:
    task = agent.next_task()
    text = task.ask("Regions, or countries?") if name == "asking" else ""
    while not go.exists():
        time.sleep(0.05)
    task.submit(text or "Back again.")
"""


@pytest.fixture(scope="module")
def mortal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    home = tmp_path_factory.mktemp("outages") / "home"
    with start_product(home, find_free_offset(Random(os.urandom(8))), **LEASE) as running:
        yield running


@contextmanager
def program(product: Product, person: Person, name: str, go: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An agent in a process of its own, which can be stopped as if its machine slept."""
    environment = {
        **product.environment,
        "POINTSMAN_URL": product.web_url,
        "POINTSMAN_KEY": person.new_agent(name, name),
        "PYTHONPATH": str(ROOT / "sdk"),
    }
    with subprocess.Popen([sys.executable, "-c", PROGRAM, name, str(go)], env=environment) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_run_that_waits_for_a_person_outlives_its_lease_without_a_beat(mortal: Product, tmp_path: Path):
    go = tmp_path / "go"
    go.touch()
    with Person(mortal) as person:
        ref = person.new_task("Ask and fall silent", needs=["asking"])
        with program(mortal, person, "asking", go) as agent:
            person.until(ref, lambda task: task["question"])
            agent.send_signal(signal.SIGSTOP)
            assert not wait_until(lambda: not person.task(ref)["run"], 3 * (TTL_SECONDS + GRACE_SECONDS))
            question = person.answer_when_asked(ref, text="Regions")
            agent.send_signal(signal.SIGCONT)
            shown = person.until(ref, lambda task: task["status"] == "in_review")
            assert agent.wait(PATIENCE_SECONDS) == 0
        assert question["text"] == "Regions, or countries?"
        assert person.client.get(f"/tasks/{ref}/deliverables/1/content").text == "Regions"
        assert "run_lost" not in person.kinds(ref)
        assert [one["version"] for one in shown["versions"]] == [1]


def test_a_lost_run_that_comes_back_goes_on_when_nobody_has_taken_over(mortal: Product, tmp_path: Path):
    go = tmp_path / "go"
    with Person(mortal) as person:
        ref = person.new_task("Fall silent and come back", needs=["silent"])
        with program(mortal, person, "silent", go) as agent:
            run = person.until(ref, lambda task: task["run"])["run"]
            agent.send_signal(signal.SIGSTOP)
            person.until(ref, lambda task: task["status"] == "ready")
            agent.send_signal(signal.SIGCONT)
            back = person.until(ref, lambda task: task["run"])["run"]
            assert (back["run_id"], back["epoch"]) == (run["run_id"], run["epoch"])
            go.touch()
            person.until(ref, lambda task: task["status"] == "in_review")
            assert agent.wait(PATIENCE_SECONDS) == 0
        ((version),) = person.get(f"/tasks/{ref}/deliverables")["deliverables"]
        assert version["run"]["run_id"] == run["run_id"]
        assert person.get(f"/tasks/{ref}/late")["late"] == []


def test_a_file_arrives_whole_although_the_server_is_killed_in_the_middle(mortal: Product, tmp_path: Path):
    picture = tmp_path / "film.bin"
    picture.write_bytes(Random(7).randbytes(48 * 1024 * 1024))
    parts = mortal.home / "uploads"

    def has_begun() -> bool:
        return sum(part.stat().st_size for part in parts.rglob("*") if part.is_file()) > 4 * 1024 * 1024

    with Person(mortal) as person, ThreadPoolExecutor(1) as room:
        ref = person.new_task("Film it", needs=["film"])
        key = person.new_agent("filming", "film")
        with Agent("filming", ["film"], url=mortal.web_url, key=key) as agent:
            task = agent.next_task()
            assert task is not None
            submitting = room.submit(task.submit_file, picture, title="The film")
            assert wait_until(has_begun, PATIENCE_SECONDS)
            killed = mortal.kill("web")
            assert not submitting.done()
            assert submitting.result(60) == 1
            assert mortal.run_file["web"]["pid"] != killed
        (version,) = person.get(f"/tasks/{ref}/deliverables")["deliverables"]
        assert (version["kind"], version["name"], version["title"]) == ("file", "film.bin", "The film")
        assert version["sha256"] == hashlib.sha256(picture.read_bytes()).hexdigest()
        content = person.client.get(f"/tasks/{ref}/deliverables/1/content")
        assert content.content == picture.read_bytes()


def test_links_and_code_are_handed_in_as_what_they_are(mortal: Product):
    with Person(mortal) as person:
        key = person.new_agent("hands-in", "hand-in")
        with Agent("hands-in", ["hand-in"], url=mortal.web_url, key=key) as agent:
            link = person.new_task("Link it", needs=["hand-in"], priority=1)
            first = agent.next_task()
            assert first is not None
            first.submit_link("https://example.org/report", title="Report")
            code = person.new_task("Code it", needs=["hand-in"])
            second = agent.next_task()
            assert second is not None
            second.submit("print(1)", format="code", language="python")
        (version,) = person.get(f"/tasks/{link}/deliverables")["deliverables"]
        assert (version["kind"], version["title"]) == ("link", "Report")
        (version,) = person.get(f"/tasks/{code}/deliverables")["deliverables"]
        assert (version["kind"], version["language"], version["size_bytes"]) == ("code", "python", 8)
