"""Fireworks AI."""

from proxy.providers.known import Known, Source

KNOWN = Known(
    name="fireworks",
    title="Fireworks AI",
    source=Source("https://docs.fireworks.ai/tools-sdks/openai-compatibility", "2026-11"),
    base_url="https://api.fireworks.ai/inference/v1",
    variable="FIREWORKS_API_KEY",
    models=("accounts/fireworks/*", "*"),
)
