"""How a verb ends when it does not succeed: one sentence on stderr and a code that a script can tell apart."""

import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

FAILED, WRONG_USAGE, NOT_RUNNING, REFUSED = 1, 2, 3, 4


class Unsuccessful(Exception):  # noqa: N818 - an outcome, not an alarm
    """Ends the command with this sentence and exit code."""

    def __init__(self, sentence: str, exit_code: int = FAILED) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code


def fail(sentence: str, exit_code: int = FAILED) -> NoReturn:
    """Ends the verb."""
    raise Unsuccessful(sentence, exit_code)


def show(text: str) -> None:
    """One line of the verb's result."""
    sys.stdout.write(text + "\n")


def show_json(value: Any) -> None:
    """The verb's result for programs."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def show_table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Columns as wide as their widest cell."""
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for row in lines:
        show("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
