"""The command line against the whole product: each verb once, what it says to programs, and how it ends."""

import json
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from pointsman import Agent, Task

from tests.product import Product, pointsman

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("product")]

DONE, WRONG_USAGE, NOT_RUNNING, REFUSED = 0, 2, 3, 4


class Shell:
    """Somebody who types."""

    def __init__(self, product: Product) -> None:
        self.product = product

    def __call__(self, *words: str) -> Any:
        """What a verb says to programs."""
        said = self.product.command(*words, "--json")
        return json.loads(said.stdout)

    def says(self, *words: str) -> str:
        return self.product.command(*words).stdout

    def code(self, *words: str) -> tuple[int, str]:
        ended = self.product.command(*words, check=False)
        return ended.returncode, ended.stderr

    def new_task(self, title: str, *options: str) -> str:
        return str(self("task", "create", title, *options)["ref"])

    @contextmanager
    def at_work(self, agent: str, capability: str) -> Iterator[Callable[[], Task]]:
        """An agent with a key that was made here; the next task it takes."""
        key = self("keys", "create", "--agent", agent, "--capabilities", capability)["key"]
        with Agent(agent, [capability], url=self.product.web_url, key=key) as working:

            def take() -> Task:
                task = working.next_task()
                assert task is not None
                return task

            yield take


@pytest.fixture
def shell(product: Product) -> Shell:
    return Shell(product)


def test_a_task_goes_from_its_making_to_its_review_at_a_shell(shell: Shell):
    with shell.at_work("shell-writer", "shell-writing") as take:
        blocker = shell.new_task("First this", "--needs", "shell-nobody")
        ref = shell.new_task("Then that", "--needs", "shell-writing", "--blocked-by", blocker, "--priority", "2")
        assert shell("task", "show", ref)["is_blocked"]
        assert blocker in shell.says("task", "why", ref)
        assert shell("task", "why", ref)["reasons"]
        assert blocker in shell.says("stalled")
        assert blocker in [leaf["ref"] for leaf in shell("stalled")]
        assert not shell("task", "unblock", ref, blocker)["is_blocked"]
        assert shell("task", "block", ref, blocker)["is_blocked"]
        assert shell("task", "complete", blocker, "--reason", "done by hand")["status"] == "done"
        task = take()
        assert task.ref == ref
        task.submit("A first version")
        version = shell("task", "review", ref, "request-changes", "--note", "Shorter.")
        assert version["changes_requested"]
        take().submit("Short.")
        assert shell.says("task", "approve", ref, "--note", "Good.") == f"{ref} is done.\n"
        assert shell("task", "reopen", ref, "--reason", "One more thing.")["status"] == "ready"
        assert shell("task", "cancel", ref, "--reason", "No.")["status"] == "cancelled"
        kinds = [one["kind"] for one in json.loads(shell.says("task", "activity", ref))["activity"]]
        assert kinds[0] == "task_created"
        assert {"changes_requested", "deliverable_approved", "task_reopened", "task_cancelled"} <= set(kinds)
        assert json.loads(shell.says("task", "handoff", ref))["latest"]["version"] == 2


def test_a_run_is_held_nudged_restarted_and_handed_over_at_a_shell(shell: Shell):
    with shell.at_work("shell-first", "shell-runs") as take:
        ref = shell.new_task("Hold me", "--needs", "shell-runs")
        task = take()
        assert shell("task", "pause", ref, "--reason", "lunch")["run"]["state"] == "paused"
        assert shell("task", "resume", ref)["run"]["state"] == "running"
        assert shell("task", "freeze", ref, "--reason", "odd")["task_ids"] == [task.id]
        assert shell("task", "thaw", ref)["task_ids"] == [task.id]
        assert shell("task", "nudge", ref, "Be quick.")["ref"] == ref
        assert shell("task", "comment", ref, "@admin look")["comment_id"]
        task.checkpoint({"page": 1}, "page 1")
        assert shell("task", "restart", ref, "--reason", "circles")["run"] is None
        again = take()
        assert again.last_checkpoint() == {"page": 1}
        shell("agent", "create", "shell-second", "--capabilities", "shell-runs", "--max-concurrency", "2")
        given = shell("task", "reassign", ref, "shell-second", "--reason", "It is quicker.")
        assert (given["agent"], given["run"]) == ("shell-second", None)
        assert shell("task", "assign", ref)["agent"] is None
        assert shell("task", "move", ref, "backlog")["status"] == "backlog"
        assert shell("task", "edit", ref, "--title", "Held", "--priority", "5")["title"] == "Held"
        assert shell("task", "fail", ref, "--reason", "not worth it")["status"] == "failed"


def test_a_question_of_each_kind_is_answered_at_a_shell(shell: Shell):
    form = {"type": "object", "properties": {"words": {"type": "integer"}}, "required": ["words"]}
    asked: list[tuple[Callable[[Task], Any], str, Any]] = [
        (lambda task: task.ask("What?"), "this", "this"),
        (lambda task: task.ask("Which?", choices=["a", "b"]), "b", "b"),
        (lambda task: task.ask("How long?", form=form), "words=30", {"words": 30}),
        (lambda task: task.approve("May I?"), "yes", True),
        (lambda task: task.approve("Really?"), "no", False),
    ]
    with shell.at_work("shell-asker", "shell-asks") as take, ThreadPoolExecutor(1) as room:
        ref = shell.new_task("Ask me", "--needs", "shell-asks")
        task = take()
        for ask, typed, expected in asked:
            asking = room.submit(ask, task)
            while not shell("task", "show", ref)["question"]:
                assert not asking.done()
            shell("task", "answer", ref, typed)
            assert asking.result(20) == expected
        task.submit("Asked.")


def test_agents_and_everything_are_stopped_and_started_at_a_shell(shell: Shell):
    assert shell("agent", "create", "shell-agent", "--capabilities", "shell-a")["name"] == "shell-agent"
    assert shell("agent", "templates")
    assert shell("agent", "edit", "shell-agent", "--capabilities", "shell-a,shell-b", "--max-concurrency", "3")[
        "capabilities"
    ] == ["shell-a", "shell-b"]
    assert shell("agent", "pause", "shell-agent", "--reason", "a break")["is_paused"]
    assert "paused" in shell.says("agent", "list")
    assert not shell("agent", "resume", "shell-agent")["is_paused"]
    assert shell("agent", "freeze", "shell-agent", "--reason", "odd")["task_ids"] == []
    assert "frozen" in shell.says("agent", "list")
    shell("agent", "thaw", "shell-agent")
    assert shell("agent", "retire", "shell-agent")["retired_at"]
    assert [one["name"] for one in shell("agent", "list") if one["retired_at"] and one["name"] == "shell-agent"]
    shell("freeze", "--reason", "fire drill")
    try:
        assert "stands still" in shell.says("freeze")
    finally:
        assert "goes on" in shell.says("thaw", "--reason", "it was a drill")


def test_reviewers_and_parts_are_set_at_a_shell(shell: Shell):
    for name in ("shell-judge", "shell-jury"):
        shell("agent", "create", name)
    whole = shell.new_task(
        "Whole", "--needs", "shell-nobody", "--reviewers", "shell-judge,shell-jury", "--needed", "all", "--backlog"
    )
    assert shell("task", "show", whole)["review"]["needed"] == 2
    part = shell.new_task("Part", "--parent", whole, "--needs", "shell-nobody")
    assert [one["ref"] for one in shell("task", "list", "--parent", whole)] == [part]
    assert "0 of 1 done" in shell.says("task", "show", whole)
    ruled = shell("task", "reviewers", whole, "shell-judge", "--needed", "1", "--first-pass", "shell-jury")["review"]
    assert ([one["name"] for one in ruled["reviewers"]], ruled["first_pass"]["name"]) == (["shell-judge"], "shell-jury")
    assert shell("task", "cancel", whole, "--with-subtasks")["status"] == "cancelled"
    assert shell("task", "show", part)["status"] == "cancelled"
    assert shell("task", "list", "--status", "cancelled")
    assert isinstance(shell("task", "list", "--needs-human"), list)


def test_each_ending_has_its_own_code(shell: Shell):
    ref = shell.new_task("End me", "--needs", "shell-nobody")
    assert shell.code("task", "approve", ref)[0] == REFUSED
    code, said = shell.code("task", "show", "T-99999")
    assert (code, "T-99999" in said) == (REFUSED, True)
    assert shell.code("task", "review", ref)[0] == WRONG_USAGE
    assert shell.code("task", "freez", ref)[0] == WRONG_USAGE
    assert shell.code("task", "cancel", ref)[0] == DONE
    # Another home, where nothing runs.
    elsewhere = Product(shell.product.home.parent / "elsewhere", 0, shell.product.process, shell.product.console)
    assert Shell(elsewhere).code("task", "list")[0] == NOT_RUNNING


def test_a_shell_completes_verbs_and_tasks(shell: Shell):
    ref = shell.new_task("Complete my name", "--needs", "shell-nobody")
    environment = {**shell.product.environment, "_POINTSMAN_COMPLETE": "complete_bash", "COMP_CWORD": "3"}
    asked = subprocess.run(
        pointsman(), env={**environment, "COMP_WORDS": f"pointsman task show {ref[:3]}"},
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    assert ref in asked.stdout.split(), asked.stderr
