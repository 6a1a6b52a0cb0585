"""What changed between two versions of a text, as lines with the words that differ: a proof, not a patch."""

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CONTEXT_LINES = 2
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Line:
    """One row of the proof. `kind` is same, del, add or gap; spans are (is changed, words)."""

    kind: str
    before: int | None = None
    after: int | None = None
    spans: tuple[tuple[bool, str], ...] = ()
    hidden: int = 0  # of a gap: how many lines it stands for


def changes_between(old: str, new: str) -> tuple[Line, ...]:
    """The rows of the proof; empty when the texts are the same."""
    before, after = old.splitlines(), new.splitlines()
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    if all(tag == "equal" for tag, *_ in matcher.get_opcodes()):
        return ()
    return tuple(_rows(matcher, before, after))


def _rows(matcher: difflib.SequenceMatcher[str], before: Sequence[str], after: Sequence[str]) -> Iterator[Line]:
    shown = 0
    for group in matcher.get_grouped_opcodes(CONTEXT_LINES):
        start = group[0][1]
        if start > shown:
            yield Line("gap", hidden=start - shown)
        for tag, i1, i2, j1, j2 in group:
            if tag == "equal":
                yield from (Line("same", i + 1, j1 + i - i1 + 1, ((False, before[i]),)) for i in range(i1, i2))
            else:
                yield from _changed(before[i1:i2], after[j1:j2], i1, j1)
        shown = group[-1][2]
    if shown < len(before):
        yield Line("gap", hidden=len(before) - shown)


def _changed(old: Sequence[str], new: Sequence[str], first_old: int, first_new: int) -> Iterator[Line]:
    paired = min(len(old), len(new))
    spans = [_word_spans(old[k], new[k]) for k in range(paired)]
    for k, text in enumerate(old):
        yield Line("del", before=first_old + k + 1, spans=spans[k][0] if k < paired else ((True, text),))
    for k, text in enumerate(new):
        yield Line("add", after=first_new + k + 1, spans=spans[k][1] if k < paired else ((True, text),))


Spans = tuple[tuple[bool, str], ...]


def _word_spans(old: str, new: str) -> tuple[Spans, Spans]:
    a, b = _WORDS.findall(old), _WORDS.findall(new)
    matcher = difflib.SequenceMatcher(None, a, b, autojunk=False)
    if matcher.ratio() < 0.3:  # so little is common that single words would only confuse
        return ((True, old),), ((True, new),)
    left, right = [], []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        left.append((tag != "equal", "".join(a[i1:i2])))
        right.append((tag != "equal", "".join(b[j1:j2])))
    return tuple(span for span in left if span[1]), tuple(span for span in right if span[1])
