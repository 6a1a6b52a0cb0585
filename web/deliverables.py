"""A deliverable as a page shows it: rendered by its kind, as source, or as what changed between two versions."""

import asyncio
import codecs
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from markupsafe import Markup

from controlplane.diffs import Diff, Fold, InlineRow, Row, diff_texts, inline_rows
from controlplane.ports import BlobStore
from controlplane.queries.deliverables import DeliverableView, LateView
from web.markdown import render_markdown

VIEWS = ("rendered", "source", "diff")
LAYOUTS = ("inline", "side")
SHOWN_BYTES = 1_000_000  # of a text; the rest is in the download
CONTEXT_LINES = 3  # around a change; longer equal stretches are folded
EVERY_LINE = 1_000_000  # as a context: nothing is folded
DIFFS_KEPT = 16  # a page that is live asks for the same one again and again
IMAGES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})  # what the content's address shows in place


@dataclass(frozen=True, slots=True)
class Selection:
    """What a reader wants to see. `version` 0 is the latest, `against` 0 the one before; `late` names late work.

    `calls` is the number of a run whose calls alone are listed, 0 for those of all.
    """

    version: int = 0
    view: str = "rendered"
    against: int = 0
    layout: str = "inline"
    late: str = ""
    is_whole: bool = False  # equal stretches of a diff are not folded
    calls: int = 0


@dataclass(frozen=True, slots=True)
class DeliverableText:
    """One version (or late work) in one of its views. `is_missing`: the store does not hold it."""

    version: DeliverableView
    view: str
    late: LateView | None = None
    against: DeliverableView | None = None
    layout: str = "inline"
    is_whole: bool = False
    is_missing: bool = False
    is_cut: bool = False
    source: str = ""
    html: Markup | None = None
    diff: Diff | None = None

    @property
    def rows(self) -> tuple[Row | InlineRow | Fold, ...]:
        """The diff in its layout."""
        parts = self.diff.parts if self.diff else ()
        return tuple(parts if self.layout == "side" else inline_rows(parts))

    @property
    def shown(self) -> DeliverableView | LateView:
        return self.late or self.version

    @property
    def is_image(self) -> bool:
        return self.shown.kind == "file" and self.shown.media_type in IMAGES

    @property
    def lines(self) -> list[str]:
        return self.source.splitlines()


async def read_deliverable(
    blobs: BlobStore, versions: Sequence[DeliverableView], selection: Selection, late: Sequence[LateView] = ()
) -> DeliverableText | None:
    """The selected version; None when there is none at all."""
    if not versions:
        return None
    aside = next((one for one in late if selection.late and one.sha256.startswith(selection.late)), None)
    chosen = next((one for one in versions if one.version == selection.version), versions[-1])
    shown = aside or chosen
    text = DeliverableText(chosen, selection.view, aside, layout=selection.layout, is_whole=selection.is_whole)
    if not is_text(shown):
        return replace(text, view="rendered")
    source, is_cut = await _read(blobs, shown)
    if source is None:
        return replace(text, is_missing=True)
    text = replace(text, source=source, is_cut=is_cut)
    if selection.view == "diff":
        return await _compared(blobs, versions, selection.against, text)
    is_prose = selection.view == "rendered" and shown.kind == "markdown"
    return replace(text, html=render_markdown(source)) if is_prose else text


async def _compared(
    blobs: BlobStore, versions: Sequence[DeliverableView], against: int, text: DeliverableText
) -> DeliverableText:
    """Against the version asked for, else the one before; late work against the version it would follow."""
    others = [one for one in versions if is_text(one) and (text.late or one.version != text.version.version)]
    before = [one for one in others if text.late or one.version < text.version.version]
    if not others:
        return replace(text, view="source")
    base = next((one for one in others if one.version == against), (before or others)[-1])
    old, _ = await _read(blobs, base)
    context = EVERY_LINE if text.is_whole else CONTEXT_LINES
    diff = await asyncio.to_thread(_diff, old or "", text.source, context)
    return replace(text, against=base, diff=diff, is_missing=old is None)


@lru_cache(maxsize=DIFFS_KEPT)
def _diff(left: str, right: str, context: int) -> Diff:
    return diff_texts(left, right, context)


def is_text(one: DeliverableView | LateView) -> bool:
    """Has it words that can be read and compared here? Files are shown by what they are, whatever they hold."""
    return one.kind != "file"


async def _read(blobs: BlobStore, one: DeliverableView | LateView) -> tuple[str | None, bool]:
    if await blobs.size(one.sha256) is None:
        return None, False
    # A character that the cut goes through is left out.
    decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
    text = "".join([decoder.decode(block) async for block in blobs.read(one.sha256, 0, SHOWN_BYTES - 1)])
    return text, one.size_bytes > SHOWN_BYTES
