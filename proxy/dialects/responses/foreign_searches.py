"""Web searches that another provider ran, as the items that clients of this API know. What was found is cited."""

from typing import Any

from proxy.canonical.parts import Native
from proxy.dialects.reading import member, text_of


def is_search(native: Native) -> bool:
    """Anthropic's: a call, and what it brought."""
    kind = native.raw.get("type")
    is_call = kind == "server_tool_use" and native.raw.get("name") == "web_search"
    return native.dialect == "anthropic" and (is_call or kind == "web_search_tool_result")


def search_item(native: Native, identity: str) -> dict[str, Any] | None:
    """None for what was found: its addresses stand in the citations of the text that follows."""
    if native.raw.get("type") != "server_tool_use":
        return None
    query = text_of(member(native.raw.get("input"), "query"))
    return {
        "id": identity,
        "type": "web_search_call",
        "status": "completed",
        "action": {"type": "search", "query": query, "queries": [query]},
    }
