"""Mistral: OpenAI's form with names of its own; what it does not know it refuses (422, extra_forbidden)."""

from proxy.providers.known import Body, Known, Quirk, Source, Unsupported
from proxy.providers.quirks import developer_is_system, max_tokens_by_its_old_name, without_stream_options

_API = Source("https://docs.mistral.ai/api", "2026-11")
_REFUSED = Source("https://github.com/editor-code-assistant/eca/issues/315", "2026-02")


def seed_is_random_seed(body: Body) -> Body:
    """`seed` → `random_seed`."""
    rest = {name: value for name, value in body.items() if name != "seed"}
    return rest | {"random_seed": body["seed"]} if body.get("seed") is not None else rest


KNOWN = Known(
    name="mistral",
    title="Mistral",
    source=_API,
    base_url="https://api.mistral.ai/v1",
    variable="MISTRAL_API_KEY",
    models=("mistral-*", "ministral-*", "codestral-*", "magistral-*", "devstral-*", "pixtral-*", "voxtral-*", "*"),
    asks_for_usage=False,
    quirks=(
        Quirk(without_stream_options, ("stream_options",), _API),
        Quirk(max_tokens_by_its_old_name, ("max_completion_tokens",), _REFUSED),
        Quirk(seed_is_random_seed, ("seed",), _API),
        Quirk(developer_is_system, ("developer",), _API),
    ),
    unsupported=tuple(
        Unsupported(name, _API) for name in ("logprobs", "top_logprobs", "logit_bias", "user", "service_tier", "store")
    ),
)
