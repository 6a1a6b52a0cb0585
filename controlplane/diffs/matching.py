"""Which parts of two sequences are the same, by `difflib`, within a budget of steps.

difflib alone may take cubic time. Three things bound it: what is equal at both ends is not looked at; elements that are
unique on both sides pin the rest down (the idea of Bram Cohen's patience diff), so that difflib sees small gaps; and
all that is not linear is paid from a budget before it is done. What the budget does not allow counts as changed as a
whole: still true, only coarser, and `is_exceeded` says so. Steps are counted, not seconds: the same texts always give
the same answer.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from difflib import Match, SequenceMatcher
from typing import NamedTuple

from typing_extensions import override

STEPS = 3_000_000  # about a second of one core
PAIRS_WITHOUT_JUNK = 200_000  # equal pairs up to which difflib may look at frequent elements as well


class Change(NamedTuple):
    """`left[i1:i2]` became `right[j1:j2]`; what no change covers is the same on both sides, in order."""

    i1: int
    i2: int
    j1: int
    j2: int


class Budget:
    """Steps that may still be taken; shared by all searches of one diff."""

    def __init__(self, steps: int = STEPS) -> None:
        self._left = steps
        self.is_exceeded = False

    def take(self, steps: int) -> bool:
        """Whether there were so many left. Once there were not, the answer is coarse somewhere."""
        if steps > self._left:
            self.is_exceeded = True
            return False
        self._left -= steps
        return True


def find_changes(left: Sequence[Hashable], right: Sequence[Hashable], budget: Budget) -> list[Change]:
    """All changes, in order, each with something on one side at least, none touching the next."""
    head = _equal_head(left, right)
    tail = _equal_tail(left, right, head)
    i2, j2 = len(left) - tail, len(right) - tail
    middle = Change(head, i2, head, j2)
    if not budget.take(i2 - head + j2 - head):
        return [middle]
    return _merged(_between_pins(left, right, middle, budget))


def _equal_head(left: Sequence[Hashable], right: Sequence[Hashable]) -> int:
    shorter = min(len(left), len(right))
    return next((k for k in range(shorter) if left[k] != right[k]), shorter)


def _equal_tail(left: Sequence[Hashable], right: Sequence[Hashable], head: int) -> int:
    shorter = min(len(left), len(right)) - head
    return next((k for k in range(shorter) if left[-1 - k] != right[-1 - k]), shorter)


def _between_pins(
    left: Sequence[Hashable], right: Sequence[Hashable], whole: Change, budget: Budget
) -> Iterator[Change]:
    i, j = whole.i1, whole.j1
    for pin_i, pin_j in [*_pins(left, right, whole), (whole.i2, whole.j2)]:
        if i < pin_i or j < pin_j:
            yield from _by_difflib(left, right, Change(i, pin_i, j, pin_j), budget)
        i, j = pin_i + 1, pin_j + 1


def _pins(left: Sequence[Hashable], right: Sequence[Hashable], whole: Change) -> list[tuple[int, int]]:
    """The longest run of elements that are unique on both sides and stand in the same order."""
    on_left = Counter(left[whole.i1 : whole.i2])
    on_right = Counter(right[whole.j1 : whole.j2])
    places = {right[j]: j for j in range(whole.j1, whole.j2) if on_right[right[j]] == 1 == on_left[right[j]]}
    candidates = [(i, places[left[i]]) for i in range(whole.i1, whole.i2) if left[i] in places]
    return _longest_rising(candidates)


def _longest_rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Longest increasing subsequence by the second number (patience sorting); the first ones rise already."""
    tops: list[int] = []  # the smallest end of a rising run of each length
    at_top: list[int] = []
    previous: list[int] = []
    for k, (_, j) in enumerate(pairs):
        pile = bisect_left(tops, j)
        previous.append(at_top[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(j)
            at_top.append(k)
        else:
            tops[pile], at_top[pile] = j, k
    chosen, k = [], at_top[-1] if at_top else -1
    while k >= 0:
        chosen.append(pairs[k])
        k = previous[k]
    return chosen[::-1]


def _by_difflib(left: Sequence[Hashable], right: Sequence[Hashable], gap: Change, budget: Budget) -> Iterator[Change]:
    a, b = left[gap.i1 : gap.i2], right[gap.j1 : gap.j2]
    if not a or not b:
        yield gap
        return
    for tag, i1, i2, j1, j2 in _Paid(a, b, budget).get_opcodes():
        if tag != "equal":
            yield Change(gap.i1 + i1, gap.i1 + i2, gap.j1 + j1, gap.j1 + j2)


class _Paid(SequenceMatcher[Hashable]):
    """difflib's matcher, whose every search is paid for: without means it finds nothing, and so ends."""

    a: Sequence[Hashable]  # documented in difflib's source ("Members"), absent from its type stubs
    b2j: dict[Hashable, list[int]]

    def __init__(self, a: Sequence[Hashable], b: Sequence[Hashable], budget: Budget) -> None:
        self._budget = budget
        on_left, on_right = Counter(a), Counter(b)
        pairs = sum(count * on_right[element] for element, count in on_left.items())
        super().__init__(None, a, b, autojunk=pairs > PAIRS_WITHOUT_JUNK)

    @override
    def find_longest_match(self, alo: int = 0, ahi: int | None = None, blo: int = 0, bhi: int | None = None) -> Match:
        last = len(self.a) if ahi is None else ahi
        cost = sum(len(self.b2j.get(self.a[k], ())) for k in range(alo, last)) + 2 * (last - alo)
        if not self._budget.take(cost):
            return Match(alo, blo, 0)
        return super().find_longest_match(alo, last, blo, bhi)


def _merged(changes: Iterator[Change]) -> list[Change]:
    merged: list[Change] = []
    for change in changes:
        if change.i1 == change.i2 and change.j1 == change.j2:
            continue
        if merged and (merged[-1].i2, merged[-1].j2) == (change.i1, change.j1):
            change = Change(merged[-1].i1, change.i2, merged[-1].j1, change.j2)
            merged.pop()
        merged.append(change)
    return merged
