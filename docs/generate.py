"""Prints the pages that are made from code: `python docs/generate.py`. A test compares them with the code."""

import re
from pathlib import Path

from controlplane.domain.state import LIVE, ActorKind, RunState, TaskStatus
from controlplane.domain.transitions import TRANSITIONS, Transition

PAGE = Path(__file__).parent / "reference" / "state-machine.md"
HEAD = """# State machine of a task

Made from `controlplane/domain/transitions.py` by `python docs/generate.py`. The table is the rule:
the API refuses by it, and the board offers drops by it. What needs more than the status (a live run, its epoch, an
open question) is decided in `controlplane/domain/decide.py`.

| command | from | to | who | what it means |
|---|---|---|---|---|
"""
TAIL = """
*Blocked* is not a status: a task is blocked while a blocker is open. *Changes requested* and *needs a person* lie over
a status. A command that was applied before, by its id, changes nothing.

## Runs

{runs}

At most one run of a task is live ({live}). Each claim makes a new run with the next epoch. After three runs in a row
that failed or were lost, a person has to look.
"""


def render_state_machine() -> str:
    """The whole page."""
    rows = "".join(_row(transition) for transition in TRANSITIONS)
    runs = " · ".join(f"`{state}`" for state in RunState)
    live = " or ".join(f"`{state}`" for state in RunState if state in LIVE)
    return HEAD + rows + TAIL.format(runs=runs, live=live)


def _row(transition: Transition) -> str:
    origins = ", ".join(_status(origin) for origin in transition.origins)
    to = _status(transition.to) if transition.to else "stays"
    drop = " (drop on the board)" if transition.drop else ""
    actors = "anyone" if set(transition.actors) == set(ActorKind) else ", ".join(transition.actors)
    return f"| {_words(transition.command)} | {origins} | {to} | {actors} | {transition.sentence}{drop} |\n"


def _status(status: TaskStatus) -> str:
    return f"`{status}`"


def _words(command: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", command.__name__).lower()


if __name__ == "__main__":
    PAGE.write_text(render_state_machine(), encoding="utf-8")
