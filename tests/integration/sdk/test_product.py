"""The README's steps against the whole product: keys, task, five lines, and the money."""

import re
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pointsman import Agent, LeaseLost

from tests.integration.sdk.test_readme import five_lines
from tests.product import Product, wait_until

ROOT = Path(__file__).parent.parent.parent.parent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


@contextmanager
def api(product: Product) -> Iterator[httpx2.Client]:
    headers = {"authorization": f"Bearer {product.admin_key}"}
    with httpx2.Client(base_url=f"{product.web_url}/api/v1", headers=headers, trust_env=False, timeout=20) as client:
        yield client


def task_of(client: httpx2.Client, ref: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/tasks/{ref}").raise_for_status().json()
    return found


def new_key(product: Product, agent: str) -> str:
    return product.command("keys", "create", "--agent", agent).stdout.strip()


def new_task(product: Product, title: str, needs: str) -> str:
    return product.command("task", "create", "--needs", needs, title).stdout.split()[0]


def recorded_cost(product: Product, task_id: str) -> int:
    with closing(sqlite3.connect(f"file:{product.home / 'calls.sqlite'}?mode=ro", uri=True)) as calls:
        (cost,) = calls.execute("SELECT SUM(cost_nano_usd) FROM calls WHERE task_id = ?", (task_id,)).fetchone()
    return int(cost or 0)


def test_the_readmes_steps_lead_to_a_deliverable_that_is_priced(product: Product, tmp_path: Path):
    key = new_key(product, "readme-writer")
    ref = new_task(product, "Write a haiku about a signal box", "readme-draft")
    program = tmp_path / "writer.py"
    lines = five_lines().replace('"writer"', '"readme-writer"').replace('["draft"]', '["readme-draft"]')
    program.write_text(lines, encoding="utf-8")
    environment = {
        **product.environment,
        "POINTSMAN_URL": product.web_url,
        "POINTSMAN_KEY": key,
        "PYTHONPATH": str(ROOT / "sdk"),
    }
    with (
        api(product) as client,
        subprocess.Popen(
            [sys.executable, program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as agent,
    ):
        try:
            wait_until(lambda: task_of(client, ref)["status"] == "in_review", 40)
            agent.send_signal(signal.SIGINT)
            output, _ = agent.communicate(timeout=10)
        finally:
            agent.kill()
        assert (agent.returncode, output) == (0, "")
        task = task_of(client, ref)
        assert (task["status"], len(task["versions"])) == ("in_review", 1)
        (call,) = client.get(f"/tasks/{ref}/calls").json()["calls"]
        expected = call["input_tokens"] * 250 + call["output_tokens"] * 2000  # gpt-5-mini: $0.25 and $2.00 a million
        assert wait_until(lambda: task_of(client, ref)["usage"]["cost_nano_usd"] == expected, 10)
        assert recorded_cost(product, task["task_id"]) == expected
        assert re.search(r"\w", client.get(f"/tasks/{ref}/deliverables/1/content").text)


def test_a_reassigned_run_is_lost_to_its_agent_and_at_the_gateway(product: Product):
    key, _ = new_key(product, "sdk-first"), new_key(product, "sdk-second")
    ref = new_task(product, "Taken away", "sdk-lost")
    with api(product) as client, Agent("sdk-first", ["sdk-lost"], url=product.web_url, key=key) as agent:
        task = agent.next_task()
        assert task is not None
        assert task.ref == ref
        client.post(f"/tasks/{ref}/assign", json={"agent": "sdk-second"}).raise_for_status()
        assert wait_until(lambda: task.is_lost, 5)
        assert wait_until(lambda: gateway_status(task.openai_base_url, task.gateway_key) == 403, 2)
        with pytest.raises(LeaseLost):
            task.submit("late")


def gateway_status(base_url: str, key: str) -> int:
    body = {"model": "gpt-5-mini", "messages": [{"role": "user", "content": "x [[sim:tokens 3]]"}]}
    headers = {"authorization": f"Bearer {key}"}
    return httpx2.post(f"{base_url}/chat/completions", json=body, headers=headers, trust_env=False).status_code


def test_a_question_is_answered_by_a_person(product: Product):
    key = new_key(product, "sdk-asking")
    ref = new_task(product, "Ask me", "sdk-ask")
    with api(product) as client, Agent("sdk-asking", ["sdk-ask"], url=product.web_url, key=key) as agent:
        task = agent.next_task()
        assert task is not None
        assert task.ref == ref
        task.progress("Thinking about the question")
        task.comment("@admin which one?")
        answering = subprocess.Popen([sys.executable, "-c", ANSWERING, product.web_url, product.admin_key, ref])
        try:
            assert task.ask("Regions, or countries?") == "Regions"
        finally:
            answering.wait(20)
        assert task.submit("A map of regions") == 1
        kinds = [one["kind"] for one in client.get(f"/tasks/{ref}/activity").json()["activity"]]
        assert {"comment", "question_asked", "question_answered", "deliverable_submitted"} <= set(kinds)


ANSWERING = """
import sys, time, httpx2
url, key, ref = sys.argv[1:]
client = httpx2.Client(base_url=url + "/api/v1", headers={"authorization": "Bearer " + key}, trust_env=False)
for _ in range(200):
    if client.get("/tasks/" + ref).json()["question"]:
        client.post(f"/tasks/{ref}/answer", json={"text": "Regions"}).raise_for_status()
        break
    time.sleep(0.05)
"""


def test_leaving_without_a_submit_is_counted_as_a_release(product: Product):
    key = new_key(product, "sdk-leaving")
    ref = new_task(product, "Left alone", "sdk-leave")
    for task in Agent("sdk-leaving", ["sdk-leave"], url=product.web_url, key=key).tasks():
        assert task.ref == ref
        break
    with api(product) as client:
        assert task_of(client, ref)["status"] == "ready"
        ended = [one for one in client.get(f"/tasks/{ref}/activity").json()["activity"] if one["kind"] == "run_ended"]
        assert [one["state"] for one in ended] == ["released"]
