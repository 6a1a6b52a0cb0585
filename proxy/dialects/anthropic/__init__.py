"""Anthropic's messages: https://platform.claude.com/docs/en/api/messages (November 2026)."""
