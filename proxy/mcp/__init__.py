"""The gateway for tool servers: `POST /mcp/{server}`, protocol 2026-07-28, relayed as raw JSON-RPC.

A client's bytes reach the server unchanged and the server's bytes the client, so that fields nobody here knows survive.
Between the two stand the same key, attribution, record and idempotency as for model calls. The SDK's typed models are
not used: they drop unknown fields and cost memory in a process that must stay small.
"""
