"""Perplexity: answers with a search behind them, and says what it bills. No version stands in its path."""

from proxy.providers.known import Known, Quirk, Source, Unsupported
from proxy.providers.quirks import developer_is_system, max_tokens_by_its_old_name, without_stream_options

_API = Source("https://docs.perplexity.ai/api-reference/chat-completions-post", "2026-11")

KNOWN = Known(
    name="perplexity",
    title="Perplexity",
    source=_API,
    base_url="https://api.perplexity.ai",
    variable="PERPLEXITY_API_KEY",
    models=("sonar*", "*"),
    asks_for_usage=False,
    quirks=(
        Quirk(without_stream_options, ("stream_options",), _API),
        Quirk(max_tokens_by_its_old_name, ("max_completion_tokens",), _API),
        Quirk(developer_is_system, ("developer",), _API),
    ),
    unsupported=tuple(
        Unsupported(name, _API)
        for name in ("tools", "tool_choice", "logprobs", "top_logprobs", "logit_bias", "n", "seed")
    ),
)
