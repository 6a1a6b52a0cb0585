"""An agent that was written for AgentCenter, from its public description alone, does its whole loop here."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.integration.sdk.people import PATIENCE_SECONDS, Person
from tests.product import Product

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("product")]

# Nothing but Python, nothing of ours: base URL, the workspace's key, an agent's name. Woken by hand instead of by cron.
AGENT = """
import json, os, sys, urllib.request

BASE, KEY = os.environ["AGENTCENTER_URL"], os.environ["AGENTCENTER_API_KEY"]

def request(method, path, body=None, content=None):
    url = path if path.startswith("http") else BASE + path
    data = content if content is not None else json.dumps(body).encode() if body is not None else None
    sent = urllib.request.Request(url, data, method=method)
    sent.add_header("Authorization", "Bearer " + KEY)
    if content is None:
        sent.add_header("Content-Type", "application/json")
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(sent, timeout=20) as answer:
        text = answer.read().decode()
    return text if text.startswith("#") else json.loads(text) if text else None

def work_on(me, task):
    taken = request("PATCH", f"/api/tasks/{task['id']}", {"agent_id": me, "status": "in_progress"})
    assert taken["status"] == "in_progress", taken
    request("POST", "/api/events/ingest", {"agent_id": me, "type": "working", "message": "reading the brief"})
    request("POST", f"/api/tasks/{task['id']}/messages", {"agent_id": me, "content": "@admin I have begun."})
    if "chart" in task["title"]:
        picture = bytes(range(256)) * 100
        file = {"agent_id": me, "kind": "file", "title": "Chart", "file_name": "chart.png",
                "content_type": "image/png", "size": len(picture)}
        presigned = request("POST", f"/api/tasks/{task['id']}/deliverables", file)
        request("PUT", presigned["upload_url"], content=picture)
        request("POST", f"/api/tasks/{task['id']}/deliverables/{presigned['id']}/confirm", {"agent_id": me})
        return
    text = "Second version: " + task["feedback"] if task["feedback"] else "First version"
    handed = {"agent_id": me, "title": task["title"], "kind": "markdown", "content": text}
    request("POST", f"/api/tasks/{task['id']}/deliverables", handed)

name = sys.argv[1]
awake = {"type": "awake", "name": name, "capabilities": sys.argv[2].split(",")}
me = request("POST", "/api/events/ingest", awake)["agent_id"]
assert request("GET", f"/api/agents/{name}/HEARTBEAT.md").startswith("# HEARTBEAT")
for line in sys.stdin:
    preflight = request("POST", "/api/events/ingest", {"agent_id": me, "type": "heartbeat"})
    done = 0
    if preflight["has_work"] and not preflight["paused"]:
        mine = request("GET", f"/api/tasks?assignee={me}&status=in_progress")["tasks"]
        mine += request("GET", f"/api/tasks?assignee={me}&status=assigned")["tasks"]
        free = request("GET", "/api/tasks?status=inbox")["tasks"]
        wanted = {item["id"] for item in preflight["work_items"]}
        for task in (mine + [one for one in free if one["id"] in wanted])[:1]:
            work_on(me, task)
            done += 1
    request("POST", "/api/events/ingest", {"agent_id": me, "type": "going to sleep"})
    print(json.dumps({"has_work": preflight["has_work"], "paused": preflight["paused"], "done": done}), flush=True)
"""


class Cron:
    """Wakes the agent, and reads what came of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def wake(self) -> dict[str, bool | int]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        said = self._process.stdout.readline()
        assert said, self._process.communicate(timeout=PATIENCE_SECONDS)[1]
        return dict(json.loads(said))


@contextmanager
def woken_by_hand(product: Product, folder: Path, name: str, capability: str) -> Iterator[Cron]:
    script = folder / "agent.py"
    script.write_text(AGENT, encoding="utf-8")
    environment = {
        "PATH": os.environ["PATH"],
        "AGENTCENTER_URL": product.web_url,
        "AGENTCENTER_API_KEY": product.admin_key,
    }
    with subprocess.Popen(
        [sys.executable, "-I", script, name, capability], env=environment, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as process:  # fmt: skip
        try:
            yield Cron(process)
        finally:
            process.kill()


def test_an_agent_of_agentcenter_does_its_whole_loop_by_changing_its_url(product: Product, tmp_path: Path):
    with Person(product) as person, woken_by_hand(product, tmp_path, "drafty", "drafting") as cron:
        assert cron.wake() == {"has_work": False, "paused": False, "done": 0}
        ref = person.new_task("Draft it", needs=["drafting"])
        assert cron.wake() == {"has_work": True, "paused": False, "done": 1}
        first = person.task(ref)
        assert (first["status"], [one["title"] for one in first["versions"]]) == ("in_review", ["Draft it"])
        person.do(ref, "review", verdict="request_changes", note="shorter")
        assert cron.wake()["done"] == 1
        content = person.client.get(f"/tasks/{ref}/deliverables/2/content").text
        assert content == "Second version: shorter"
        assert person.do(ref, "review", verdict="approve")["status"] == "done"

        chart = person.new_task("Draw the chart", needs=["drafting"])
        assert cron.wake()["done"] == 1
        (version,) = person.get(f"/tasks/{chart}/deliverables")["deliverables"]
        assert (version["kind"], version["name"], version["media_type"]) == ("file", "chart.png", "image/png")
        assert person.client.get(f"/tasks/{chart}/deliverables/1/content").content == bytes(range(256)) * 100

        person.post("/agents/drafty/pause", reason="a break")
        person.new_task("Not now", needs=["drafting"], priority=1)
        assert cron.wake() == {"has_work": False, "paused": True, "done": 0}
        mentions = [one for one in person.get("/inbox?user=admin")["notices"] if one["kind"] == "mention"]
        assert {ref, chart} <= {one["ref"] for one in mentions}
