"""Which of a program's own agents asks: coding agents say so in headers, and their helpers' calls stand apart.

    x-pointsman-subagent: researcher                    anybody who wants to
    x-claude-code-agent-id: a8d499f817bfb29ba           Claude Code 2.1, of its helpers only
    x-parent-session-id: …, x-session-id: ses_e00645a   opencode 1.18, of its helpers only; the second names the helper
    x-codex-turn-metadata: {"agent_name": "/root/…"}    Codex CLI 0.169; "/root" is the first agent

As these versions sent it in November 2026. Gemini CLI 0.61 says nothing.
"""

from collections.abc import Mapping

import orjson
from pointsman.contract import SUBAGENT_HEADER

LONGEST = 80  # characters: a name, not a place for what a client wants to leave here

_OURS = SUBAGENT_HEADER.encode()


def name_subagent(headers: Mapping[bytes, bytes]) -> str:
    """The helper's name; '' for the first agent, or if nobody says."""
    name = headers.get(_OURS) or headers.get(b"x-claude-code-agent-id")
    if name is None and b"x-parent-session-id" in headers:
        name = headers.get(b"x-session-id")
    if name is not None:
        return "".join(one for one in name.decode("latin-1") if one.isprintable())[:LONGEST]
    metadata = headers.get(b"x-codex-turn-metadata")
    return _of_codex(metadata) if metadata is not None else ""


def _of_codex(metadata: bytes) -> str:
    try:
        found = orjson.loads(metadata)
    except orjson.JSONDecodeError:
        return ""
    name = found.get("agent_name") if isinstance(found, dict) else None
    return name.removeprefix("/root").lstrip("/")[:LONGEST] if isinstance(name, str) else ""
