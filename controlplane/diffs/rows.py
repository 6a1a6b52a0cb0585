"""The rows of a diff: changed lines with their words, a few equal ones around them, folds for the rest."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from controlplane.diffs.matching import Budget, Change
from controlplane.diffs.pairing import pair_lines
from controlplane.diffs.words import Segments, mark_words, whole

CONTEXT_LINES = 3


class RowKind(StrEnum):
    """What became of a line. `replace` has both sides, `insert` and `delete` one."""

    EQUAL = "equal"
    INSERT = "insert"
    DELETE = "delete"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Row:
    """One line on each side, or on one; numbers count from 1. A line that came or went is one changed segment."""

    kind: RowKind
    left: int | None
    right: int | None
    before: Segments
    after: Segments


@dataclass(frozen=True, slots=True)
class Fold:
    """`count` equal lines that are not shown, the first of them with these numbers."""

    count: int
    left: int
    right: int


Part = Row | Fold


def make_parts(
    left: Sequence[str], right: Sequence[str], changes: list[Change], budget: Budget, context: int = CONTEXT_LINES
) -> Iterator[Part]:
    """From the first line to the last; lazily, so that whoever cuts a long diff off pays for no more."""
    i, j = 0, 0
    for number, change in enumerate(changes):
        yield from _equal(left, (i, j), change.i1 - i, (context if number else 0, context))
        yield from _changed(left, right, change, budget)
        i, j = change.i2, change.j2
    yield from _equal(left, (i, j), len(left) - i, (context if changes else 0, 0))


def _equal(left: Sequence[str], start: tuple[int, int], count: int, shown: tuple[int, int]) -> Iterator[Part]:
    """A stretch of equal lines, of which the first and last few are shown; one line is never folded alone."""
    i, j = start
    first, last = shown
    if count - first - last <= 1:
        first, last = count, 0
    yield from (_equal_row(left, i + k, j + k) for k in range(first))
    if count > first + last:
        yield Fold(count - first - last, i + first + 1, j + first + 1)
    yield from (_equal_row(left, i + k, j + k) for k in range(count - last, count))


def _equal_row(left: Sequence[str], i: int, j: int) -> Row:
    text = whole(left[i], is_changed=False)
    return Row(RowKind.EQUAL, i + 1, j + 1, text, text)


def _changed(left: Sequence[str], right: Sequence[str], change: Change, budget: Budget) -> Iterator[Row]:
    i, j = change.i1, change.j1
    pairs = pair_lines(left[change.i1 : change.i2], right[change.j1 : change.j2], budget)
    for pair_i, pair_j in [*((change.i1 + a, change.j1 + b) for a, b in pairs), (change.i2, change.j2)]:
        for k in range(i, pair_i):
            yield Row(RowKind.DELETE, k + 1, None, whole(left[k], is_changed=True), ())
        for k in range(j, pair_j):
            yield Row(RowKind.INSERT, None, k + 1, (), whole(right[k], is_changed=True))
        if pair_i < change.i2 and pair_j < change.j2:
            before, after = mark_words(left[pair_i], right[pair_j], budget)
            yield Row(RowKind.REPLACE, pair_i + 1, pair_j + 1, before, after)
        i, j = pair_i + 1, pair_j + 1
