"""Where a text comes from: grounding and recitation, as citations, and citations of others as grounding.

https://ai.google.dev/api/generate-content#GroundingMetadata (November 2026). Segments count bytes of UTF-8.
"""

from typing import Any

from proxy.canonical.parts import Citation
from proxy.dialects.gemini.spelling import members, repeated
from proxy.dialects.reading import text_of

_SOURCES = ("web", "retrievedContext", "maps", "image")


def parse_grounding(metadata: object) -> list[Citation]:
    """One citation for each source of each segment; one for each source where nothing says what it supports."""
    said = members(metadata)
    chunks = [members(one) for one in repeated(said.get("groundingChunks"))]
    supports = [members(one) for one in repeated(said.get("groundingSupports"))]
    if not supports:
        return [_grounded(chunk, {}) for chunk in chunks]
    found: list[Citation] = []
    for support in supports:
        numbers = repeated(support.get("groundingChunkIndices"))
        known = [one for one in numbers if isinstance(one, int) and 0 <= one < len(chunks)]
        found.extend(_grounded(chunks[number], support) for number in known)
    return found


def _grounded(chunk: dict[str, Any], support: dict[str, Any]) -> Citation:
    source = next((members(chunk[name]) for name in _SOURCES if name in chunk), {})
    return Citation(
        "gemini",
        {"groundingChunk": chunk, **({"groundingSupport": support} if support else {})},
        url=text_of(source.get("uri")) or text_of(source.get("sourceUri")),
        title=text_of(source.get("title")),
        text=text_of(members(support.get("segment")).get("text")) or text_of(source.get("text")),
    )


def parse_recitation(metadata: object) -> list[Citation]:
    """`citationMetadata`: a source that the model repeats. Vertex calls the list `citations`."""
    said = members(metadata)
    found: list[Citation] = []
    for one in repeated(said.get("citationSources") or said.get("citations")):
        source = members(one)
        found.append(
            Citation("gemini", {"citationSource": source}, text_of(source.get("uri")), text_of(source.get("title")))
        )
    return found


class Grounding:
    """Grows into `groundingMetadata` from citations that no Google model made."""

    def __init__(self) -> None:
        self._chunks: list[dict[str, Any]] = []
        self._supports: list[dict[str, Any]] = []

    def add(self, citation: Citation, start: int, end: int) -> None:
        """To the bytes from `start` to `end` of the text so far."""
        if citation.dialect == "gemini":
            return  # it stands in the metadata that came with it
        source = {"uri": citation.url, "title": citation.title}
        chunk = {"web": {name: value for name, value in source.items() if value}}
        if chunk not in self._chunks:
            self._chunks.append(chunk)
        segment: dict[str, Any] = {"endIndex": end, **({"startIndex": start} if start else {})}
        self._supports.append({"segment": segment, "groundingChunkIndices": [self._chunks.index(chunk)]})

    def metadata(self) -> dict[str, Any]:
        if not self._chunks:
            return {}
        return {"groundingMetadata": {"groundingChunks": self._chunks, "groundingSupports": self._supports}}
