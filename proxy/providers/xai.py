"""xAI. It counts reasoning beside the completion, and says what it bills."""

from proxy.providers.known import Known, Source, Unsupported

_REASONING = Source("https://docs.x.ai/docs/guides/reasoning", "2026-11")
# 4.3 and later take `reasoning_effort` again: https://docs.x.ai/developers/model-capabilities/text/reasoning
_WITHOUT_EFFORT = ("grok-4", "grok-4-*", "grok-4.20-*", "grok-code-*")
_REASONERS = ("grok-4*", "grok-3-mini*", "grok-code-*")

KNOWN = Known(
    name="xai",
    title="xAI",
    source=Source("https://docs.x.ai/docs/api-reference", "2026-11"),
    base_url="https://api.x.ai/v1",
    variable="XAI_API_KEY",
    speaks=("responses",),
    models=("grok-*", "*"),
    price_provider="x-ai",
    unsupported=(
        Unsupported("presence_penalty", _REASONING, _REASONERS),
        Unsupported("frequency_penalty", _REASONING, _REASONERS),
        Unsupported("stop", _REASONING, _REASONERS),
        Unsupported("reasoning_effort", _REASONING, _WITHOUT_EFFORT),
    ),
)
