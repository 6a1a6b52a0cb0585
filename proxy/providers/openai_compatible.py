"""Any server that speaks OpenAI's or Anthropic's format: `dialect` and `base_url` say which and where."""

from proxy.providers.known import Known, Source

KNOWN = Known(
    name="openai-compatible",
    title="any compatible server",
    source=Source("https://platform.openai.com/docs/api-reference/chat", "2026-11"),
    base_url="",
    note="`dialect: anthropic` for a server that speaks Anthropic's messages.",
)
