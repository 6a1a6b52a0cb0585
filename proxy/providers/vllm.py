"""vLLM, on this machine unless another address is given."""

from proxy.providers.known import Known, Source

KNOWN = Known(
    name="vllm",
    title="vLLM",
    source=Source("https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html", "2026-11"),
    base_url="http://127.0.0.1:8000/v1",
    price_provider="free",
)
