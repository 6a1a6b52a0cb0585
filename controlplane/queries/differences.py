"""What differs between two versions of a deliverable: what is said of them, and where both are texts, their lines."""

import asyncio
from dataclasses import dataclass

from controlplane.diffs import Diff, diff_texts, text_of
from controlplane.diffs.texts import MAX_TEXT_BYTES
from controlplane.ports import BlobStore
from controlplane.queries.deliverables import DeliverableView

FIELDS = ("kind", "title", "name", "media_type", "language", "size_bytes", "sha256")


@dataclass(frozen=True, slots=True)
class FieldChange:
    """A property that differs."""

    field: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """`text` is None where one of them is no text, is too long to compare, or is not in the store any more."""

    fields: tuple[FieldChange, ...]
    text: Diff | None

    @property
    def is_same(self) -> bool:
        return not self.fields and (self.text is None or self.text.is_same)


async def difference_between(blobs: BlobStore, left: DeliverableView, right: DeliverableView) -> Difference:
    """From the earlier version to the later one. A large pair takes a second or two of a thread."""
    changes = [
        FieldChange(name, str(before), str(after))
        for name in FIELDS
        if (before := getattr(left, name)) != (after := getattr(right, name))
    ]
    before, after = await _text(blobs, left), await _text(blobs, right)
    if before is None or after is None:
        return Difference(tuple(changes), None)
    if "link" in {left.kind, right.kind} and before != after:
        changes.append(FieldChange("url", _url(left, before), _url(right, after)))
    return Difference(tuple(changes), await asyncio.to_thread(diff_texts, before, after))


async def _text(blobs: BlobStore, version: DeliverableView) -> str | None:
    if version.size_bytes > MAX_TEXT_BYTES:
        return None
    content = await blobs.get(version.sha256)
    return None if content is None else await asyncio.to_thread(text_of, content)


def _url(version: DeliverableView, text: str) -> str:
    return text if version.kind == "link" else ""
