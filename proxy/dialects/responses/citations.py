"""Citations as annotations of a text."""

from typing import Any

from proxy.canonical.parts import Citation


def render_annotation(citation: Citation, length: int) -> dict[str, Any] | None:
    """None for a source without an address. `length` characters of text stand before the citation."""
    if citation.dialect == "responses":
        return citation.raw
    nested = citation.raw.get("url_citation")
    if citation.dialect == "openai" and isinstance(nested, dict):
        return {"type": "url_citation", "start_index": 0, "end_index": length, "title": "", **nested}
    if not citation.url:
        return None
    return {
        "type": "url_citation",
        "start_index": 0,  # others cite for all that was said so far
        "end_index": length,
        "url": citation.url,
        "title": citation.title,
    }
