"""`python -m tests.chaos.agent`: one agent of a chaos run, a program as somebody would write it with the SDK.

What it does with a task is drawn from the seed, the task and the number of the run. Killed at any point it leaves its
book as it was; the harness starts it again, and its task goes back to the queue when the lease has ended.
"""

import os
import signal
import sys
from pathlib import Path
from random import Random

from pointsman import Agent, InvalidKey, LeaseLost, ServerUnreachable, Task

from tests.chaos.calls import CallFailed, Calls
from tests.chaos.ledger import Book

AWAY = 3  # exit code: the server could not be reached at first contact
WHIMS = (("raise", 0.05), ("fail", 0.05), ("release", 0.07), ("forget", 0.03), ("ask", 0.08), ("approve", 0.06))
GOES_ON = frozenset({"ask", "approve"})  # and then works as if nothing had been
LAST_WHIM = 2  # from the third run on an agent simply works


class Whim(Exception):  # noqa: N818 - what a program that breaks would raise
    """Raised on purpose in the middle of the work."""


def main() -> int:
    """Works until SIGTERM."""
    name, seed = os.environ["CHAOS_AGENT"], os.environ["CHAOS_SEED"]
    book = Book(Path(os.environ["CHAOS_BOOKS"]), name)
    book.note("began")
    try:
        for task in Agent(name, os.environ["CHAOS_CAPABILITIES"].split(",")).tasks():
            _work(task, seed, book)
    except (ServerUnreachable, InvalidKey) as error:
        book.note("away", why=str(error)[:200])
        return AWAY
    return 0


def _work(task: Task, seed: str, book: Book) -> None:
    book.accept("run_started", task.id, task.run.run_id)
    random = Random(f"work {seed} {task.title} {task.run.number}")
    try:
        with task:
            _Shift(task, random, book).work()
    except LeaseLost:
        book.note("lost", run_id=task.run.run_id)
    except (CallFailed, Whim) as error:
        book.note("raised", run_id=task.run.run_id, why=str(error)[:300])


class _Shift:
    """One run of one task."""

    def __init__(self, task: Task, random: Random, book: Book) -> None:
        self._task, self._random, self._book = task, random, book
        self._run_id = task.run.run_id

    def work(self) -> None:
        whim = self._draw_whim()
        with Calls(self._task, self._random, self._book) as calls:
            calls.ask()
            if whim == "ask":
                self._ask()
            elif whim == "approve":
                self._ask_for_a_yes()
            if self._random.random() < 0.3:
                self._comment()
            self._task.progress("Half of it is done")
            if whim is not None and self._gives_up(whim):
                return
            for _ in range(self._random.randrange(1, 3)):
                calls.ask()
        mark = f"Deliverable of {self._run_id}"
        self._task.submit(f"{mark}: {self._task.title}.", title=self._task.title)
        self._book.accept("deliverable_submitted", self._task.id, self._run_id)

    def _draw_whim(self) -> str | None:
        draw = self._random.random()
        if self._task.run.number > LAST_WHIM:
            return None
        for whim, share in WHIMS:
            draw -= share
            if draw < 0:
                return whim
        return None

    def _gives_up(self, whim: str) -> bool:
        """Is this the end of the run? Only what was answered counts as said."""
        if whim == "raise":
            raise Whim(f"{self._run_id} breaks on purpose")
        if whim == "fail":
            self._task.fail(f"{self._run_id} gives up on purpose")
            self._book.accept("run_ended", self._task.id, self._run_id, f"{self._run_id} gives up on purpose")
        elif whim == "release":
            self._task.release(f"{self._run_id} goes back on purpose")
            self._book.accept("run_ended", self._task.id, self._run_id, f"{self._run_id} goes back on purpose")
        elif whim == "forget":  # the next task is asked for without a submit
            self._book.note("forgot", run_id=self._run_id)
        return whim not in GOES_ON

    def _ask(self) -> None:
        self._task.ask(f"May {self._run_id} go on?")
        self._book.accept("question_asked", self._task.id, self._run_id, f"May {self._run_id} go on?")

    def _ask_for_a_yes(self) -> None:
        """Nobody answers these: time runs out, which means no, whatever is killed meanwhile."""
        if self._task.approve(f"May {self._run_id} spend more?", expires_in_seconds=2.0):
            self._book.note("approved", run_id=self._run_id)
        self._book.accept("question_asked", self._task.id, self._run_id, f"May {self._run_id} spend more?")

    def _comment(self) -> None:
        mark = f"{self._run_id} says that it is on the way"
        self._task.comment(mark)
        self._book.accept("comment", self._task.id, self._run_id, mark)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is the harness's to answer
    sys.exit(main())
