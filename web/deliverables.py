"""The text of a deliverable as a page shows it: rendered, as source, or as what changed since the version before."""

from dataclasses import dataclass

from markupsafe import Markup

from controlplane.ports import BlobStore
from controlplane.queries.runs import Version
from web.changes import Line, changes_between
from web.markdown import render_markdown

VIEWS = ("rendered", "source", "changes")


@dataclass(frozen=True, slots=True)
class Selection:
    """Which version a reader wants, 0 for the latest, and how."""

    version: int = 0
    view: str = "rendered"


@dataclass(frozen=True, slots=True)
class DeliverableText:
    """One version, in one of its views. `is_missing`: the store does not hold it."""

    version: Version
    view: str
    is_missing: bool = False
    source: str = ""
    html: Markup | None = None
    changes: tuple[Line, ...] = ()


async def read_deliverable(
    blobs: BlobStore, versions: tuple[Version, ...], selection: Selection
) -> DeliverableText | None:
    """The selected version; None when there is none at all."""
    if not versions:
        return None
    chosen = next((version for version in versions if version.version == selection.version), versions[-1])
    content = await blobs.get(chosen.sha256)
    if content is None:
        return DeliverableText(chosen, selection.view, is_missing=True)
    source = content.decode(errors="replace")
    if selection.view == "changes" and chosen.version > 1:
        earlier = next((version for version in versions if version.version == chosen.version - 1), None)
        before = await blobs.get(earlier.sha256) if earlier else None
        changes = changes_between((before or b"").decode(errors="replace"), source)
        return DeliverableText(chosen, "changes", changes=changes)
    if selection.view == "source":
        return DeliverableText(chosen, "source", source=source)
    return DeliverableText(chosen, "rendered", html=render_markdown(source))
