"""Story 1: one command, agents at work, one of them stuck with evidence, nothing twice."""

import json
import os
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest

from controlplane.demo.story import CHAPTERS
from tests.conftest import find_free_offset
from tests.product import Product, start_product, wait_until

PRICES = "Collect installer prices from 40 public price lists"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(360)]


def tasks_of(product: Product) -> dict[str, Any]:
    headers = {"authorization": f"Bearer {product.admin_key}"}
    answer = httpx2.get(f"{product.web_url}/api/v1/tasks?limit=200", headers=headers, trust_env=False, timeout=20)
    return {task["title"]: task for task in answer.raise_for_status().json()["tasks"]}


def rows(home: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{home / 'control.sqlite'}?mode=ro", uri=True)) as control:
        return control.execute(query).fetchall()


def test_the_demo_moves_gets_stuck_with_evidence_and_goes_on_after_a_stop(tmp_path: Path):
    home, offset = tmp_path / "home", find_free_offset(Random(os.urandom(8)))
    with start_product(home, offset, "--demo") as product:
        assert wait_until(lambda: any(task["run"] for task in tasks_of(product).values()), 10)
        assert wait_until(lambda: rows(home, "SELECT 1 FROM signals WHERE signal = 'stuck'"), 120)
        assert wait_until(lambda: rows(home, "SELECT 1 FROM notices WHERE kind = 'mention'"), 60)
        (evidence,) = rows(home, "SELECT evidence FROM signals WHERE signal = 'stuck'")[0]
        assert {call["model"] for call in json.loads(evidence)["calls"]} <= {
            "gpt-5",
            "simulated/search",
            "simulated/fetch_page",
        }
        board = tasks_of(product)
        assert set(board) == {chapter.title for chapter in CHAPTERS}
        assert board["Draft section 3: Prices and subsidies"]["run"]["agent"] == "drafting"
        assert board["Draft section 4: Outlook to 2030"]["is_blocked"]
        assert board["Choose the title"]["question"]["text"].startswith("Two titles fit")
        assert wait_until(lambda: tasks_of(product)["Chart: units sold in each country"]["status"] == "in_review", 30)
        introduction = board["Draft the introduction"]["review"]
        assert ([one["by"]["name"] for one in introduction["approvals"]], introduction["missing"]) == (["qa"], 1)
        assert board["Set up the page template"]["subtasks"]["total"] == 2
        assert [hold["reason"] for hold in board["Write to the press list"]["holds"]] == [
            "Not before the report is out."
        ]
        assert wait_until(lambda: len(tasks_of(product)[PRICES]["versions"]) == 3, 60)
        assert rows(home, "SELECT COUNT(*) FROM recurring_tasks") == [(1,)]
    assert not rows(home, "SELECT 1 FROM runs WHERE state IN ('running', 'waiting_input')")

    with start_product(home, offset, "--demo") as product:
        again = "SELECT 1 FROM runs WHERE state = 'running'"
        assert wait_until(lambda: rows(home, again), 30)
        assert Counter(task["title"] for task in tasks_of(product).values()).total() == len(CHAPTERS)
        assert rows(home, "SELECT COUNT(*) FROM tasks") == [(len(CHAPTERS),)]
        assert rows(home, "SELECT COUNT(*) FROM keys WHERE name = 'Demo reviewer'") == [(1,)]
        assert rows(home, "SELECT COUNT(*) FROM recurring_tasks") == [(1,)]
