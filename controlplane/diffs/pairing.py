"""Which line of a changed stretch became which: the ones most alike, in order; the others came or went."""

from collections import Counter
from collections.abc import Iterator, Sequence

from controlplane.diffs.matching import Budget, Change
from controlplane.diffs.words import tokens_of

ALIKE = 0.4  # of the words in common: below it, marked words would only confuse
MAX_CELLS = 2_500  # pairs of lines that are weighed in one stretch; a larger one is paired from the top
MAX_EMPTY = 2  # lines without words between two changes that may belong together
MAX_WEIGHED = 20_000  # characters of a line; a longer one is weighed by its beginning


def realign(left: Sequence[str], right: Sequence[str], changes: list[Change], budget: Budget) -> list[Change]:
    """The same difference, where only empty lines lie between changes told by the lines with words.

    An empty line is equal to any other: taken for a landmark, it tears a paragraph from what became of it.
    """
    realigned: list[Change] = []
    for group in _groups(left, changes):
        whole = Change(group[0].i1, group[-1].i2, group[0].j1, group[-1].j2)
        a, b = left[whole.i1 : whole.i2], right[whole.j1 : whole.j2]
        is_small = len(group) > 1 and len(a) * len(b) <= MAX_CELLS
        pairs = pair_lines(a, b, budget) if is_small else []
        equal = [(whole.i1 + i, whole.j1 + j) for i, j in pairs if a[i] == b[j]]
        realigned += _around(whole, equal) if pairs else group
    return realigned


def _groups(left: Sequence[str], changes: list[Change]) -> Iterator[list[Change]]:
    group: list[Change] = []
    for change in changes:
        between = left[group[-1].i2 : change.i1] if group else ()
        if len(between) > MAX_EMPTY or any(line.strip() for line in between):
            yield group
            group = []
        group.append(change)
    if group:
        yield group


def _around(whole: Change, equal: list[tuple[int, int]]) -> Iterator[Change]:
    i, j = whole.i1, whole.j1
    for next_i, next_j in [*equal, (whole.i2, whole.j2)]:
        if i < next_i or j < next_j:
            yield Change(i, next_i, j, next_j)
        i, j = next_i + 1, next_j + 1


def pair_lines(left: Sequence[str], right: Sequence[str], budget: Budget) -> list[tuple[int, int]]:
    """Pairs of positions, rising on both sides."""
    cells = len(left) * len(right)
    if not cells or not budget.take(sum(map(_weighed, left)) + sum(map(_weighed, right))):
        return []
    bags_left, bags_right = [_bag(line) for line in left], [_bag(line) for line in right]
    size = sum(map(len, bags_left)) * len(right)
    if cells <= MAX_CELLS and budget.take(size):
        return _best(bags_left, bags_right)
    return [(k, k) for k in range(min(len(left), len(right))) if _likeness(bags_left[k], bags_right[k]) >= ALIKE]


def _weighed(line: str) -> int:
    return min(len(line), MAX_WEIGHED)


def _bag(line: str) -> Counter[str]:
    return Counter(token for token in tokens_of(line[:MAX_WEIGHED]) if not token.isspace())


def _likeness(left: Counter[str], right: Counter[str]) -> float:
    total = left.total() + right.total()
    if not total:
        return ALIKE  # two empty lines: alike, but no reason to tear words apart
    common = sum(min(count, right[token]) for token, count in left.items() if token in right)
    return 2 * common / total


def _best(left: list[Counter[str]], right: list[Counter[str]]) -> list[tuple[int, int]]:
    """The rising pairs whose likeness sums up to the most: Needleman and Wunsch, where staying alone costs nothing."""
    likeness = [[_likeness(a, b) for b in right] for a in left]
    best = [[0.0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        for j in reversed(range(len(right))):
            alike = likeness[i][j]
            paired = alike + best[i + 1][j + 1] if alike >= ALIKE else 0.0
            best[i][j] = max(best[i + 1][j], best[i][j + 1], paired)
    pairs, i, j = [], 0, 0
    while i < len(left) and j < len(right):
        alike = likeness[i][j]
        if alike >= ALIKE and best[i][j] == alike + best[i + 1][j + 1]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1
    return pairs
