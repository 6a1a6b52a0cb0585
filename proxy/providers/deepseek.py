"""DeepSeek."""

from proxy.providers.known import Known, Quirk, Source, Unsupported
from proxy.providers.quirks import developer_is_system, max_tokens_by_its_old_name

_API = Source("https://api-docs.deepseek.com/api/create-chat-completion", "2026-11")
_REASONER = Source("https://api-docs.deepseek.com/guides/reasoning_model", "2026-11")

KNOWN = Known(
    name="deepseek",
    title="DeepSeek",
    source=_API,
    base_url="https://api.deepseek.com/v1",
    variable="DEEPSEEK_API_KEY",
    models=("deepseek-*", "*"),
    quirks=(
        Quirk(max_tokens_by_its_old_name, ("max_completion_tokens",), _API),
        Quirk(developer_is_system, ("developer",), _API),
    ),
    unsupported=tuple(
        Unsupported(name, _REASONER, ("deepseek-reasoner",))
        for name in ("logprobs", "top_logprobs", "temperature", "top_p", "presence_penalty", "frequency_penalty")
    ),
)
