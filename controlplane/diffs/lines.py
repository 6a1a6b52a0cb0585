"""A text as its lines, with what ends them kept apart: a file that only changed its line ends has no changed line."""

import re
from collections import Counter
from dataclasses import dataclass

# Only these end a line. `str.splitlines` would cut at form feeds and at U+2028 too, which editors do not.
_LINE = re.compile(r"([^\r\n]*)(\r\n|\n|\r|\Z)")
NAMES = {"\n": "LF", "\r\n": "CRLF", "\r": "CR", "": "none"}


@dataclass(frozen=True, slots=True)
class Lines:
    """`texts` without their ends, `ends` of the same length; the last end may be empty."""

    texts: tuple[str, ...]
    ends: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether the last line lacks its end."""
        return bool(self.ends) and not self.ends[-1]


def split_lines(text: str) -> Lines:
    """All of the text: joined again, texts and ends give it back."""
    found = _LINE.findall(text)
    if found and found[-1] == ("", ""):  # what stands behind the last end
        found.pop()
    return Lines(tuple(line for line, _ in found), tuple(end for _, end in found))


def remarks_on_ends(left: Lines, right: Lines) -> tuple[str, ...]:
    """What changed in the ends of lines, in sentences."""
    remarks = []
    before, after = _style(left), _style(right)
    if before != after and before and after:
        remarks.append(f"Line ends changed from {before} to {after}.")
    if left.is_open and not right.is_open and right.ends:
        remarks.append("The last line had no line end; now it has one.")
    if right.is_open and not left.is_open and left.ends:
        remarks.append("The last line has no line end any more.")
    return tuple(remarks)


def _style(lines: Lines) -> str:
    """`LF`, or `CRLF and LF` where they are mixed, the more frequent one first; empty for a text of one open line."""
    counted = Counter(end for end in lines.ends if end)
    return " and ".join(NAMES[end] for end, _ in counted.most_common())
