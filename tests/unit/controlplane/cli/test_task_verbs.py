"""The verbs of a task and of agents: each is the request of the same name."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from controlplane.cli import agents, app, recurring, task_verbs, tasks

TASK = {"ref": "T-1", "title": "x", "status": "ready", "board_url": "http://b/tasks/T-1", "reasons": [], "name": "w",
        "recurring_id": "rec_1", "handle": "qa", "members": []}  # fmt: skip


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Any]]:
    """What was asked of the API; its answer always is the same task."""
    said: list[tuple[str, str, Any]] = []

    def ask(method: str, path: str, *, body: Any = None, query: Any = None) -> Any:
        said.append((method, path, body if body is not None else query))
        return TASK

    for module in (tasks, task_verbs, agents, recurring):
        monkeypatch.setattr(module, "ask", ask)
    return said


@pytest.mark.parametrize(
    ("line", "method", "path", "body"),
    [
        ("task edit T-1 --priority 1", "POST", "/tasks/T-1/edit", {"priority": 1}),
        ("task reassign T-1 ben --reason slow", "POST", "/tasks/T-1/assign", {"agent": "ben", "reason": "slow"}),
        ("task assign T-1", "POST", "/tasks/T-1/assign", {"agent": None, "reason": ""}),
        ("task move T-1 backlog", "POST", "/tasks/T-1/move", {"to": "backlog"}),
        ("task cancel T-1 --with-subtasks", "POST", "/tasks/T-1/cancel", {"reason": "", "with_subtasks": True}),
        (
            "task review T-1 request-changes --note shorter --version 2",
            "POST",
            "/tasks/T-1/review",
            {"verdict": "request_changes", "note": "shorter", "version": 2},
        ),
        (
            "task reviewers T-1 @anna,@qa --needed 2 --first-pass judge",
            "POST",
            "/tasks/T-1/reviewers",
            {"reviewers": ["@anna", "@qa"], "needed": 2, "first_pass": "judge"},
        ),
        ("task block T-1 T-2,T-3", "POST", "/tasks/T-1/blockers", {"tasks": ["T-2", "T-3"]}),
        ("task unblock T-1 T-2", "DELETE", "/tasks/T-1/blockers/T-2", None),
        ("task pause T-1 --reason lunch", "POST", "/tasks/T-1/hold", {"kind": "operator", "reason": "lunch"}),
        ("task resume T-1", "POST", "/tasks/T-1/resume", {"kind": "operator", "reason": ""}),
        ("task freeze T-1 --reason odd", "POST", "/tasks/T-1/freeze", {"reason": "odd"}),
        ("task thaw T-1", "POST", "/tasks/T-1/thaw", {"reason": ""}),
        ("task nudge T-1 shorter", "POST", "/tasks/T-1/nudge", {"note": "shorter"}),
        ("task restart T-1 --from-nothing", "POST", "/tasks/T-1/restart", {"from_checkpoint": False, "reason": ""}),
        ("task help-on T-1", "POST", "/tasks/T-1/help", {"note": ""}),
        ("task fail T-1", "POST", "/tasks/T-1/fail", {"reason": ""}),
        ("task complete T-1", "POST", "/tasks/T-1/complete", {"reason": ""}),
        ("task reopen T-1", "POST", "/tasks/T-1/reopen", {"reason": ""}),
        ("task comment T-1 @anna", "POST", "/tasks/T-1/comments", {"text": "@anna"}),
        ("task why T-1", "GET", "/tasks/T-1/why", None),
        ("agent pause w --reason tired", "POST", "/agents/w/pause", {"reason": "tired"}),
        ("agent edit w --max-concurrency 2", "POST", "/agents/w/edit", {"max_concurrency": 2}),
        ("agent create w --template writer", "POST", "/agents", {"name": "w", "template": "writer"}),
        ("agent retire w", "POST", "/agents/w/retire", {}),
        ("freeze --reason fire", "POST", "/freeze", {"reason": "fire"}),
        ("thaw", "POST", "/thaw", {"reason": ""}),
        ("task adopt T-1 r_1 abc", "POST", "/tasks/T-1/late/adopt", {"run_id": "r_1", "sha256": "abc"}),
        ("recurring run rec_1", "POST", "/recurring/rec_1/run", {}),
        ("recurring pause rec_1", "POST", "/recurring/rec_1/pause", {}),
        (
            "recurring create Report --cron 0_7_*_*_*",
            "POST",
            "/recurring",
            {"title": "Report", "cron": "0 7 * * *", "time_zone": "UTC", "template": {"brief": "", "needs": []}},
        ),
        ("team set qa @anna", "POST", "/teams", {"handle": "qa", "name": "qa", "members": ["@anna"]}),
    ],
)
def test_a_verb_is_the_request_of_its_name(asked, line, method, path, body):
    outcome = CliRunner().invoke(app.cli, [word.replace("_*", " *").replace("0_7", "0 7") for word in line.split()])
    assert outcome.exit_code == 0, outcome.output
    assert asked[-1] == (method, path, body)


@pytest.mark.parametrize("line", ["task freeze T-1 --json", "agent pause w --json", "freeze --json"])
def test_programs_get_json(asked, line):
    assert json.loads(CliRunner().invoke(app.cli, line.split()).output) == TASK


@pytest.mark.parametrize(
    ("kind", "said", "body"),
    [
        ("text", "calm", {"text": "calm"}),
        ("approval", "yes", {"value": True}),
        ("approval", "never", {"value": False}),
        ("choice", "loud", {"value": "loud"}),
        ("form", "words=300,tone=calm", {"value": {"words": 300, "tone": "calm"}}),
    ],
)
def test_an_answer_has_the_form_that_was_asked_for(asked, monkeypatch, kind, said, body):
    monkeypatch.setitem(TASK, "question", {"kind": kind, "text": "?"})
    assert CliRunner().invoke(app.cli, ["task", "answer", "T-1", said]).exit_code == 0
    assert asked[-1] == ("POST", "/tasks/T-1/answer", body)


def test_a_shell_can_be_told_how_to_complete():
    shown = CliRunner().invoke(app.cli, ["--help"]).output
    assert "--install-completion" in shown
