"""Prints the pages that are made from code: `python docs/generate.py`. Tests compare them with the code."""

import re
from collections.abc import Iterable
from pathlib import Path

from controlplane.domain.agent_status import STATUSES
from controlplane.domain.machines import DERIVED_RUN_STATES, LEASE_STEPS, RUN_STEPS
from controlplane.domain.state import (
    FAILURES_BEFORE_HUMAN,
    LIVE,
    REJECTIONS_BEFORE_HUMAN,
    WAKES_PER_HOUR,
    ActorKind,
    RunState,
)
from controlplane.domain.transitions import TRANSITIONS, Transition

REFERENCE = Path(__file__).parent / "reference"
PAGE = REFERENCE / "state-machine.md"
TEXT = """# State machines

Four machines, each of them a table in the code, printed here by `python docs/generate.py`: the [task](#task)
(`controlplane/domain/transitions.py`), the [run](#run) and its [lease](#lease) (`machines.py` beside it), and the
[status of an agent](#agent) (`agent_status.py`).

## Task

The table is the rule: the API refuses by it, and the board offers drops by it. What needs more than the status (a live
run, its epoch, an open question) is decided in `controlplane/domain/decide.py`.

| command | from | to | who | what it means |
|---|---|---|---|---|
{transitions}
*Blocked* is not a status: a task is blocked while a blocker is open. *Held*, *changes requested* and *needs a person*
lie over a status. A command that was applied before, by its id, changes nothing.

A person is called after {failures} runs in a row that failed or were lost, after {rejections} rejections in a row, when
an agent fell silent twice on a task that is assigned to it, when a task was begun {wakes} times within an hour, and
when a blocker failed or was cancelled. Until somebody helps nobody can claim the task.

## Run

One attempt of one agent. At most one run of a task is live ({live}). Each claim makes a new run with the next epoch.

| from | to | event | what it means |
|---|---|---|---|
{runs}
Not stored, because agents come and take, and nothing is sent to them:

{derived}

## Lease

A run's right to act. Every word of a run carries its epoch, and an older one is refused with `lease_lost`.

| from | to | what happens | who decides | what it means |
|---|---|---|---|---|
{leases}
Silence is suspicion, not loss: `confirm_loss` looks at beats, at bytes through the gateway, and at when our own
processes were away. A detector alone never revokes a run.

## Agent

A pure function of what was seen, on the server's clock. The first row that holds is the status.

| status | what it means |
|---|---|
{statuses}"""


def render_state_machine() -> str:
    """The whole page."""
    return TEXT.format(
        transitions=_table(_row(transition) for transition in TRANSITIONS),
        failures=FAILURES_BEFORE_HUMAN,
        rejections=REJECTIONS_BEFORE_HUMAN,
        wakes=WAKES_PER_HOUR,
        live=" or ".join(f"`{state}`" for state in RunState if state in LIVE),
        runs=_table(
            (_codes(row.origins), f"`{row.to}`", ", ".join(_words(event) for event in row.events), row.sentence)
            for row in RUN_STEPS
        ),
        derived="\n".join(f"- *{word}*: {meaning}" for word, meaning in DERIVED_RUN_STATES.items()),
        leases=_table(
            (_codes(row.origins), f"`{row.to}`", row.event, row.decided_by, row.sentence) for row in LEASE_STEPS
        ),
        statuses=_table((f"`{row.value}`", row.meaning) for row in STATUSES),
    )


def _row(transition: Transition) -> tuple[str, ...]:
    to = f"`{transition.to}`" if transition.to else "stays"
    drop = " (drop on the board)" if transition.drop else ""
    actors = "anyone" if set(transition.actors) == set(ActorKind) else ", ".join(transition.actors)
    return _words(transition.command), _codes(transition.origins), to, actors, transition.sentence + drop


def _table(rows: Iterable[tuple[str, ...]]) -> str:
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _codes(states: Iterable[str]) -> str:
    return ", ".join(f"`{state}`" for state in states) or "(begins)"


def _words(kind: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.__name__).lower()


if __name__ == "__main__":
    PAGE.write_text(render_state_machine(), encoding="utf-8")
