"""Which parts of a turn make one item together. A stream's encoder goes by the same two questions."""

from collections.abc import Iterable
from typing import Any

from proxy.canonical.parts import Part, Refusal, Text, Thinking


def grouped(parts: Iterable[Part]) -> list[list[Part]]:
    """Texts that follow each other are one message; thoughts of one item are that item again."""
    groups: list[list[Part]] = []
    for part in parts:
        if groups and belongs_with(groups[-1][-1], part):
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def belongs_with(previous: Part, part: Part) -> bool:
    if isinstance(part, Text | Refusal):
        return isinstance(previous, Text | Refusal)
    return isinstance(part, Thinking) and isinstance(previous, Thinking) and continues(previous, part)


def continues(previous: Thinking, part: Thinking) -> bool:
    """The last part of a reasoning item carries what is encrypted: behind it another item begins."""
    is_ours = previous.made_by == part.made_by == "responses"
    return is_ours and previous.item_id == part.item_id and not previous.signature


def reasoning_item(group: Iterable[Any], identity: str = "") -> dict[str, Any] | None:
    """None when it would say nothing: what other dialects signed is worth nothing here.

    An item of this API's own is known by its id, and wanted back, even when it shows nothing.
    """
    is_known = False
    item: dict[str, Any] = {"type": "reasoning", "summary": []}
    for part in group:
        is_ours = part.made_by == "responses"
        if part.text and (part.is_summary or not is_ours):
            item["summary"].append({"type": "summary_text", "text": part.text})
        elif part.text:
            item.setdefault("content", []).append({"type": "reasoning_text", "text": part.text})
        if is_ours and part.signature:
            item["encrypted_content"] = part.signature
        if is_ours and part.item_id:
            identity, is_known = part.item_id, True
    if identity:
        item = {"id": identity, **item}
    return item if is_known or item["summary"] or item.keys() & {"content", "encrypted_content"} else None
