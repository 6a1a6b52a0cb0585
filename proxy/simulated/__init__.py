"""A model provider and a tool server that need no key and no network: `python -m proxy.simulated --port N`.

They speak the true wire formats (OpenAI, Anthropic, MCP 2026-07-28), mark every answer `x-pointsman-simulated: true`,
and count what they were asked at `/sim/calls`.

Words: a **conversation** is a request, whatever its dialect; a **reply** is what the simulated
model says to it; a **script** what markers in the prompt make it do; its **pace** how fast.
"""
