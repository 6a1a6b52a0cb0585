"""Anthropic: messages. The version is a header that has to be there."""

from proxy.providers.known import Known, Source

VERSION = "2023-06-01"

KNOWN = Known(
    name="anthropic",
    title="Anthropic",
    source=Source("https://platform.claude.com/docs/en/api/overview", "2026-11"),
    base_url="https://api.anthropic.com/v1",
    variable="ANTHROPIC_API_KEY",
    dialect="anthropic",
    headers={"anthropic-version": VERSION},
    models=("claude-*", "*"),
)
