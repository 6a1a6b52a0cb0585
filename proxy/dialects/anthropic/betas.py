"""Features of a request that Anthropic wants announced in the header `anthropic-beta`.

https://platform.claude.com/docs/en/api/beta-headers (November 2026). A client of this dialect sends its own header,
which passes; this is for requests that were put together here.
"""

from collections.abc import Iterator
from typing import Any

_BY_TOOL = {
    "advisor_": "advisor-tool-2026-03-01",
    "code_execution_20250522": "code-execution-2025-05-22",
    "computer_20241022": "computer-use-2024-10-22",
    "computer_20250124": "computer-use-2025-01-24",
    "computer_20251124": "computer-use-2025-11-24",
    "mcp_toolset": "mcp-client-2025-11-20",
}
_BY_MEMBER = {
    "mcp_servers": "mcp-client-2025-11-20",
    "context_management": "context-management-2025-06-27",
    "fallbacks": "server-side-fallback-2026-07-01",
}
_BY_BLOCK = {
    "container_upload": "files-api-2025-04-14",
    "compaction": "compact-2026-01-12",
    "tool_addition": "mid-conversation-tool-changes-2026-07-01",
    "tool_removal": "mid-conversation-tool-changes-2026-07-01",
}


def betas_of(body: dict[str, Any]) -> list[str]:
    """Each once, in the order found."""
    return list(dict.fromkeys(_find(body)))


def _find(body: dict[str, Any]) -> Iterator[str]:
    for name, beta in _BY_MEMBER.items():
        if body.get(name):
            yield _mcp_beta(body[name]) if name == "mcp_servers" else beta
    for tool in body.get("tools", ()):
        kind = str(tool.get("type") or "")
        yield from (beta for prefix, beta in _BY_TOOL.items() if kind.startswith(prefix))
    if body.get("speed") == "fast":
        yield "fast-mode-2026-02-01"
    if "task_budget" in body.get("output_config", {}):
        yield "task-budgets-2026-03-13"
    if any("compact" in str(edit.get("type")) for edit in _edits(body)):
        yield "compact-2026-01-12"
    for message in body.get("messages", ()):
        for block in message["content"] if isinstance(message["content"], list) else ():
            yield from _find_in_block(block)


def _find_in_block(block: dict[str, Any]) -> Iterator[str]:
    if block["type"] in _BY_BLOCK:
        yield _BY_BLOCK[block["type"]]
    source = block.get("source")
    if isinstance(source, dict) and source.get("type") == "file":
        yield "files-api-2025-04-14"
    if block["type"] == "tool_result" and isinstance(block.get("content"), list):
        for inner in block["content"]:
            yield from _find_in_block(inner)


def _mcp_beta(servers: Any) -> str:
    """The first version told in the server which tools to use, the second in `tools`."""
    listed = servers if isinstance(servers, list) else []
    is_first = any(isinstance(server, dict) and "tool_configuration" in server for server in listed)
    return "mcp-client-2025-04-04" if is_first else _BY_MEMBER["mcp_servers"]


def _edits(body: dict[str, Any]) -> list[dict[str, Any]]:
    management = body.get("context_management")
    edits = management.get("edits") if isinstance(management, dict) else None
    return [edit for edit in edits if isinstance(edit, dict)] if isinstance(edits, list) else []
