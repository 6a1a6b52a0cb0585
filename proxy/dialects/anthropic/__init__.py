"""Anthropic's messages: https://platform.claude.com/docs/en/api/messages (November 2026).

`codec.py` is the door. A message's content is a list of *blocks* here, of *parts* in the hub.
"""
