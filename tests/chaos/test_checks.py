"""The checks of a chaos run see what they are there for: each kind of loss and doubling, in evidence made for it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import pytest

from controlplane.domain.commands import (
    ClaimTask,
    Command,
    CreateTask,
    Envelope,
    ResolveBlocker,
    ReviewDeliverable,
    SubmitDeliverable,
)
from controlplane.domain.decide import Refusal, decide
from controlplane.domain.evolve import apply
from controlplane.domain.state import Actor, ActorKind, TaskState
from tests.chaos.checks import Finding, check_commands, check_leases, check_tasks
from tests.chaos.costs import check_costs
from tests.chaos.engine import differences
from tests.chaos.evidence import Evidence, Row
from tests.chaos.graph import Node
from tests.chaos.ledger import Accepted, Book, Ledger

ACTORS = {kind: Actor(kind, f"{kind.value}-1", "somebody") for kind in ActorKind}
NODES = (Node(0, 0, "First", "draft", 3), Node(1, 1, "Second", "draft", 3, blockers=(0,)))
TASK_IDS = {0: "t_0", 1: "t_1"}
BOUND = 900_000


def told(task_id: str, at_ms: int, *steps: tuple[ActorKind, Command]) -> tuple[TaskState, list[Row]]:
    """A task's state and its activity, a second for each step."""
    state: TaskState | None = None
    rows: list[Row] = []
    for number, (kind, command) in enumerate(steps):
        envelope = Envelope(f"cmd_{number}", ACTORS[kind], at_ms + number * 1000, command)
        events = decide(state, envelope)
        assert not isinstance(events, Refusal), events
        state = apply(state, envelope, events)
        rows += [_row(task_id, state.revision, position, one, envelope) for position, one in enumerate(events)]
    assert state is not None
    return state, rows


def _row(task_id: str, revision: int, position: int, event: object, envelope: Envelope) -> Row:
    body = msgspec.to_builtins(event)
    actor = body.pop("actor")
    said = {"actor_kind": actor["kind"], "actor_id": actor["id"], "actor_name": actor["name"]}
    place = {"task_id": task_id, "revision": revision, "position": position, "command_id": envelope.command_id}
    return {**place, **said, "kind": body.pop("kind"), "at_ms": body.pop("at_ms"), "body": json.dumps(body)}


def life(number: int, blockers: tuple[str, ...], at_ms: int) -> tuple[TaskState, list[Row]]:
    person, agent, system = ActorKind.PERSON, ActorKind.AGENT, ActorKind.SYSTEM
    task_id = TASK_IDS[number]
    resolved = [(system, ResolveBlocker(blocker, "done")) for blocker in blockers]
    return told(
        task_id,
        at_ms,
        (person, CreateTask(task_id, "w", "p", number, NODES[number].title, f"Made {number}.", blockers=blockers)),
        *resolved,
        (agent, ClaimTask("a", f"r_{number}")),
        (agent, SubmitDeliverable(f"r_{number}", 1, "aa", 1)),
        (person, ReviewDeliverable(1, "approve", f"Verdict {number}.")),
    )


def _task(number: int, state: TaskState) -> Row:
    kept = msgspec.json.encode(state).decode()
    said = {"number": number, "title": state.title, "status": state.status.value, "needs_human": state.needs_human}
    return {**said, "task_id": state.task_id, "revision": state.revision, "state_json": kept}


def _call(number: int, outcome: str, cost: int, *, is_estimated: bool = False) -> Row:
    who = {"call_id": f"c_{number}", "run_id": "r_0", "traceparent": f"trace-{number}", "outcome": outcome}
    return {**who, "cost_nano_usd": cost, "cost_bound_nano_usd": BOUND, "is_usage_estimated": is_estimated}


def _counted(number: int, tokens: int = 10) -> Row:
    usage = {"input": 40, "output": tokens}
    return {"id": f"msg_{number}", "traceparent": f"trace-{number}", "model": "gpt-5-mini", "usage": usage}


COST = 40 * 250 + 10 * 2000  # of one counted call


@dataclass
class Case:
    """Evidence of a run in which all went well, and what the ledger says of it."""

    evidence: Evidence
    ledger: Ledger
    refusals: list[str] = field(default_factory=list)

    def findings(self) -> dict[str, Finding]:
        found = [
            check_tasks(self.evidence, NODES, TASK_IDS),
            check_commands(self.evidence, self.ledger, self.refusals),
            check_costs(self.evidence),
            check_leases(self.evidence, set(), {"r_0"}),
        ]
        return {finding.name: finding for finding in found}

    def event(self, task_id: str, kind: str) -> Row:
        return next(row for row in self.evidence.events[task_id] if row["kind"] == kind)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    first, first_rows = life(0, (), 1_000)
    second, second_rows = life(1, ("t_0",), 4_000)
    ledger = Ledger(tmp_path)
    for number in (0, 1):
        ledger.accept(Accepted("task_created", TASK_IDS[number], f"Made {number}."))
        ledger.accept(Accepted("deliverable_approved", TASK_IDS[number], f"Verdict {number}."))
        Book(tmp_path, f"agent-{number}").accept("run_started", TASK_IDS[number], f"r_{number}")
    runs = [{"run_id": f"r_{number}", "task_id": TASK_IDS[number], "agent_id": "a"} for number in (0, 1)]
    return Case(
        Evidence(
            tasks={"t_0": _task(0, first), "t_1": _task(1, second)},
            events={"t_0": first_rows, "t_1": second_rows},
            edges=[],
            runs={str(run["run_id"]): {**run, "state": "accepted", "reason": ""} for run in runs},
            agents={"a": "agent-0"},
            comments=[],
            calls=[_call(0, "ok", COST), _call(1, "unknown", 0), _call(2, "client_left", 7, is_estimated=True)],
            usage={"r_0": {"cost_nano_usd": COST + 7, "bound_nano_usd": BOUND}},
            counted=[_counted(0), _counted(1), _counted(2)],
        ),
        ledger,
    )


def test_a_run_in_which_all_went_well_is_clean(case: Case) -> None:
    assert [str(finding) for finding in case.findings().values() if not finding.is_ok] == []


def closed_twice(case: Case) -> None:
    rows = case.evidence.events["t_0"]
    restarted = {**case.event("t_0", "run_started"), "revision": 5, "command_id": "cmd_again"}
    rows += [restarted, {**case.event("t_0", "deliverable_approved"), "revision": 6, "command_id": "cmd_twice"}]


def not_done(case: Case) -> None:
    case.evidence.tasks["t_1"]["status"] = "in_review"


def begun_too_early(case: Case) -> None:
    case.event("t_1", "run_started")["at_ms"] = 3_999


def begun_while_it_waited(case: Case) -> None:
    rows = case.evidence.events["t_1"]
    rows[1], rows[2] = rows[2], rows[1]


def activity_broken(case: Case) -> None:
    case.evidence.events["t_0"].pop(0)


def state_lost_in_projection(case: Case) -> None:
    kept = json.loads(case.evidence.tasks["t_0"]["state_json"])
    case.evidence.tasks["t_0"]["state_json"] = json.dumps({**kept, "epoch": 7})


def made_twice(case: Case) -> None:
    case.evidence.tasks["t_9"] = {**case.evidence.tasks["t_0"], "task_id": "t_9"}


def verdict_lost(case: Case) -> None:
    case.evidence.events["t_0"].remove(case.event("t_0", "deliverable_approved"))


def verdict_doubled(case: Case) -> None:
    case.evidence.events["t_0"].append({**case.event("t_0", "deliverable_approved"), "revision": 5})


def claim_of_an_agent_lost(case: Case) -> None:
    row = case.event("t_1", "run_started")
    row["body"] = row["body"].replace("r_1", "r_other")


def command_id_twice(case: Case) -> None:
    case.event("t_0", "deliverable_submitted")["command_id"] = "cmd_0"


def revision_missing(case: Case) -> None:
    case.evidence.events["t_0"].remove(case.event("t_0", "deliverable_submitted"))


def refused(case: Case) -> None:
    case.refusals.append("POST /tasks: 409")


def paid_too_little(case: Case) -> None:
    case.evidence.calls[0]["cost_nano_usd"] -= 1


def asked_without_a_record(case: Case) -> None:
    case.evidence.counted.append(_counted(9))


def asked_twice_for_one_record(case: Case) -> None:
    case.evidence.counted.append(_counted(0))


def recorded_but_never_asked(case: Case) -> None:
    case.evidence.counted.pop(0)


def bound_too_low(case: Case) -> None:
    case.evidence.counted[1] = _counted(1, tokens=1_000_000)


def unknown_with_a_cost(case: Case) -> None:
    case.evidence.calls[1]["cost_nano_usd"] = 5


def never_ended(case: Case) -> None:
    case.evidence.calls[0]["outcome"] = ""


def roll_up_behind(case: Case) -> None:
    case.evidence.usage["r_0"]["cost_nano_usd"] -= 1


def lost_for_nothing(case: Case) -> None:
    case.evidence.runs["r_0"] = {**case.evidence.runs["r_0"], "state": "lost"}


@pytest.mark.parametrize(
    ("spoil", "seen_by"),
    [
        (closed_twice, "tasks"),
        (not_done, "tasks"),
        (begun_too_early, "tasks"),
        (begun_while_it_waited, "tasks"),
        (activity_broken, "tasks"),
        (state_lost_in_projection, "tasks"),
        (made_twice, "tasks"),
        (verdict_lost, "commands"),
        (verdict_doubled, "commands"),
        (claim_of_an_agent_lost, "commands"),
        (command_id_twice, "commands"),
        (revision_missing, "commands"),
        (refused, "commands"),
        (paid_too_little, "costs"),
        (asked_without_a_record, "costs"),
        (asked_twice_for_one_record, "costs"),
        (recorded_but_never_asked, "costs"),
        (bound_too_low, "costs"),
        (unknown_with_a_cost, "costs"),
        (never_ended, "costs"),
        (roll_up_behind, "costs"),
        (lost_for_nothing, "leases"),
    ],
)
def test_what_goes_wrong_is_seen(case: Case, spoil: Callable[[Case], None], seen_by: str) -> None:
    spoil(case)
    found = case.findings()[seen_by]
    assert not found.is_ok, spoil.__name__
    assert "✗" in str(found)


def test_commands_without_a_text_of_their_own_are_counted(case: Case) -> None:
    case.ledger.accept(Accepted("task_moved", "t_0"))
    assert not case.findings()["commands"].is_ok
    moved = {**case.event("t_0", "task_created"), "kind": "task_moved", "revision": 5, "command_id": "c5", "body": "{}"}
    case.evidence.events["t_0"].append(moved)
    case.evidence.tasks["t_0"]["revision"] = 5
    assert check_commands(case.evidence, case.ledger, []).is_ok


def test_a_comment_is_looked_for_among_the_comments(case: Case) -> None:
    case.ledger.accept(Accepted("comment", "t_0", "on the way"))
    assert not case.findings()["commands"].is_ok
    said = [{"comment_id": "cm_1", "task_id": "t_0", "text": "r_0 is on the way"}]
    assert check_commands(replace(case.evidence, comments=said), case.ledger, []).is_ok


def test_an_engine_that_remembers_another_run_is_seen(case: Case) -> None:
    state, kept = life(0, (), 99_000)[0], case.evidence.tasks["t_0"]["state_json"]
    assert differences("t_0", state, kept) == []  # other times are no difference
    assert differences("t_0", state, kept.replace("r_0", "r_9")) != []
    assert differences("t_0", None, kept) != []


def test_a_claim_that_reached_nobody_may_be_lost_and_is_counted(case: Case) -> None:
    case.evidence.runs["r_1"]["state"] = "lost"
    found = case.findings()["leases"]
    assert found.is_ok
    assert "1 of them never handed over" in found.text
