"""What changed between two texts: lines, the words within them, and what is folded away. Pure, and of bounded work.

`diff_texts` is the whole of it; a `Diff` holds rows that a page can show side by side as they stand, and below each
other through `inline_rows`.
"""

from controlplane.diffs.inline import InlineRow, inline_rows
from controlplane.diffs.rows import Fold, Row, RowKind
from controlplane.diffs.texts import Diff, diff_texts, text_of
from controlplane.diffs.words import Segment

__all__ = ["Diff", "Fold", "InlineRow", "Row", "RowKind", "Segment", "diff_texts", "inline_rows", "text_of"]
