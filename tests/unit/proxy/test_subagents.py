"""Whose helper asks, as four programs say it."""

import pytest

from proxy.subagents import LONGEST, name_subagent


@pytest.mark.parametrize(
    ("headers", "name"),
    [
        ({}, ""),
        ({b"x-claude-code-session-id": b"c4a9"}, ""),
        ({b"x-claude-code-session-id": b"c4a9", b"x-claude-code-agent-id": b"a8d4"}, "a8d4"),
        ({b"x-session-id": b"ses_1"}, ""),
        ({b"x-session-id": b"ses_2", b"x-parent-session-id": b"ses_1"}, "ses_2"),
        ({b"thread-id": b"01a1"}, ""),
        ({b"thread-id": b"01a2", b"x-codex-parent-thread-id": b"01a1"}, "01a2"),
        ({b"x-codex-parent-thread-id": b"01a1"}, ""),
        ({b"x-pointsman-subagent": b"writer", b"x-claude-code-agent-id": b"a8d4"}, "writer"),
        ({b"x-pointsman-subagent": b"a\x1b[0m\x00b"}, "a[0mb"),
        ({b"x-pointsman-subagent": b"x" * 1000}, "x" * LONGEST),
    ],
)
def test_a_helper_is_named_and_the_first_agent_is_not(headers: dict[bytes, bytes], name: str) -> None:
    assert name_subagent(headers) == name
