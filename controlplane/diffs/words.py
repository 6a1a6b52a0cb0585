"""The words that differ between two lines that are otherwise alike."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from controlplane.diffs.matching import Budget, find_changes

# A word; a run of spaces; or one other character. Scripts without spaces are taken character by character, and what
# belongs to a character (accents, skin tones, joiners) stays with it, so that no mark ever cuts a letter in two.
_UNSPACED = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_JOINED = "(?:[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\U0001f3fb-\U0001f3ff]|\u200d.)*"
_TOKEN = re.compile(rf"(?:(?:(?![{_UNSPACED}])\w)+|\s+|.){_JOINED}", re.DOTALL)


class Segment(NamedTuple):
    """A piece of a line, and whether it differs from the other side."""

    text: str
    is_changed: bool


Segments = tuple[Segment, ...]


def whole(text: str, *, is_changed: bool) -> Segments:
    """A line in one piece."""
    return (Segment(text, is_changed),) if text else ()


def tokens_of(line: str) -> list[str]:
    """The line cut into words; joined, they are the line."""
    return _TOKEN.findall(line)


def mark_words(left: str, right: str, budget: Budget) -> tuple[Segments, Segments]:
    """Both lines in segments; joined, they are the lines."""
    if not budget.take(len(left) + len(right)):
        return whole(left, is_changed=True), whole(right, is_changed=True)
    a, b = tokens_of(left), tokens_of(right)
    changes = find_changes(a, b, budget)
    return (
        _segments(a, [(change.i1, change.i2) for change in changes]),
        _segments(b, [(change.j1, change.j2) for change in changes]),
    )


def _segments(tokens: Sequence[str], changed: list[tuple[int, int]]) -> Segments:
    return tuple(_joined(_pieces(tokens, changed)))


def _pieces(tokens: Sequence[str], changed: list[tuple[int, int]]) -> Iterator[Segment]:
    shown = 0
    for start, end in changed:
        yield Segment("".join(tokens[shown:start]), is_changed=False)
        yield Segment("".join(tokens[start:end]), is_changed=True)
        shown = end
    yield Segment("".join(tokens[shown:]), is_changed=False)


def _joined(pieces: Iterator[Segment]) -> Iterator[Segment]:
    """Without empty ones; a space between two changed words counts as changed, or the line would look striped."""
    held: Segment | None = None
    space = ""
    for piece in pieces:
        if not piece.text:
            continue
        if held is None:
            held = piece
        elif held.is_changed and not piece.is_changed and piece.text.isspace() and not space:
            space = piece.text
        elif held.is_changed == piece.is_changed:
            held, space = Segment(held.text + space + piece.text, held.is_changed), ""
        else:
            yield held
            held, space = Segment(space + piece.text, piece.is_changed), ""
    if held is not None:
        yield held
    if space:
        yield Segment(space, is_changed=False)
