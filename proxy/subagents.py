"""Which of a program's own agents asks: coding agents say so in headers, and their helpers' calls stand apart.

    x-pointsman-subagent: researcher                     anybody who wants to
    x-claude-code-agent-id: a8d499f817bfb29ba            Claude Code 2.1, of its helpers only
    x-parent-session-id: …, x-session-id: ses_e00645a    opencode 1.18, of its helpers only; the second names the helper
    x-codex-parent-thread-id: …, thread-id: 01a1ffa8-…   Codex CLI 0.169, likewise

As these versions sent it in November 2026. Gemini CLI 0.61 says nothing.
"""

from collections.abc import Mapping

from pointsman.contract import SUBAGENT_HEADER

LONGEST = 80  # characters: a name, not a place for what a client wants to leave here

_OURS = SUBAGENT_HEADER.encode()


def name_subagent(headers: Mapping[bytes, bytes]) -> str:
    """The helper's name; '' for the first agent, or if nobody says."""
    find = headers.get
    name = find(_OURS) or find(b"x-claude-code-agent-id")
    if not name and b"x-parent-session-id" in headers:
        name = find(b"x-session-id")
    if not name and b"x-codex-parent-thread-id" in headers:
        name = find(b"thread-id")
    if not name:
        return ""
    return "".join(one for one in name.decode("latin-1") if one.isprintable())[:LONGEST]
