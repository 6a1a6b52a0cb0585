"""Two texts in, their difference out."""

from dataclasses import dataclass
from itertools import islice

from controlplane.diffs.lines import Lines, remarks_on_ends, split_lines
from controlplane.diffs.matching import Budget, Change, find_changes
from controlplane.diffs.pairing import realign
from controlplane.diffs.rows import CONTEXT_LINES, Part, make_parts

MAX_PARTS = 5_000  # rows and folds; nobody reads more on one page
MAX_TEXT_BYTES = 5 * 1024 * 1024  # of a content that is compared as text


@dataclass(frozen=True, slots=True)
class Diff:
    """Two texts as rows. `is_coarse`: more may be marked than has changed; `is_cut`: the rest is not shown."""

    parts: tuple[Part, ...]
    added: int  # lines on the right that are not on the left as they are
    removed: int
    remarks: tuple[str, ...] = ()  # what rows do not show: ends of lines, coarseness, a cut
    is_coarse: bool = False
    is_cut: bool = False

    @property
    def is_same(self) -> bool:
        """Nothing changed, not even the end of a line."""
        return not (self.added or self.removed or self.remarks)


def diff_texts(left: str, right: str, context: int = CONTEXT_LINES, max_parts: int = MAX_PARTS) -> Diff:
    """What has to change on the left to get the right. Bounded, whatever the texts: see `matching`."""
    if left == right:
        return Diff((), 0, 0)
    before, after, budget = split_lines(left), split_lines(right), Budget()
    changes = realign(before.texts, after.texts, find_changes(before.texts, after.texts, budget), budget)
    shown = tuple(islice(make_parts(before.texts, after.texts, changes, budget, context), max_parts + 1))
    is_cut = len(shown) > max_parts
    return Diff(
        parts=shown[:max_parts],
        added=sum(change.j2 - change.j1 for change in changes),
        removed=sum(change.i2 - change.i1 for change in changes),
        remarks=_remarks(before, after, changes, is_coarse=budget.is_exceeded, is_cut=is_cut),
        is_coarse=budget.is_exceeded,
        is_cut=is_cut,
    )


def text_of(content: bytes) -> str | None:
    """The text that a content is; None for what is none, or too long to compare."""
    if len(content) > MAX_TEXT_BYTES or b"\x00" in content:
        return None
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None


def _remarks(before: Lines, after: Lines, changes: list[Change], *, is_coarse: bool, is_cut: bool) -> tuple[str, ...]:
    remarks = [*remarks_on_ends(before, after)]
    if not changes and not remarks:
        remarks.append("Only ends of lines have moved.")
    if is_coarse:
        remarks.append("These texts differ too much to compare every line: more may be marked than has changed.")
    if is_cut:
        remarks.append("Only the first part of the changes is shown; download both versions for the rest.")
    return tuple(remarks)
