"""A diff with its lines below each other: of each changed stretch first what went, then what came."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from controlplane.diffs.rows import Fold, Part, Row, RowKind
from controlplane.diffs.words import Segments


@dataclass(frozen=True, slots=True)
class InlineRow:
    """One line. `kind` is equal, delete or insert; an equal one has both numbers."""

    kind: RowKind
    left: int | None
    right: int | None
    segments: Segments


def inline_rows(parts: Iterable[Part]) -> Iterator[InlineRow | Fold]:
    """The same lines as in `parts`, each on a row of its own."""
    came: list[InlineRow] = []
    for part in parts:
        if isinstance(part, Row) and part.kind is not RowKind.EQUAL:
            if part.left is not None:
                yield InlineRow(RowKind.DELETE, part.left, None, part.before)
            if part.right is not None:
                came.append(InlineRow(RowKind.INSERT, None, part.right, part.after))
            continue
        yield from came
        came = []
        yield part if isinstance(part, Fold) else InlineRow(part.kind, part.left, part.right, part.before)
    yield from came
