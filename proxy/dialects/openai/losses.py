"""A list of what a rendered request could not say, each thing once."""

from proxy.canonical.request import Loss, Request

# The client's own word for what the hub has another name for, where it differs from OpenAI's.
_WORDS: dict[str, dict[str, str]] = {
    "stop": {"anthropic": "stop_sequences", "bedrock": "stopSequences", "gemini": "stopSequences"},
    "top_p": {"gemini": "topP", "bedrock": "topP", "cohere": "p"},
    "top_k": {"gemini": "topK", "bedrock": "top_k", "cohere": "k"},
    "presence_penalty": {"gemini": "presencePenalty"},
    "frequency_penalty": {"gemini": "frequencyPenalty"},
    "logprobs": {"gemini": "responseLogprobs"},
    "top_logprobs": {"gemini": "logprobs"},
    "reasoning_effort": {
        "anthropic": "thinking", "gemini": "thinkingConfig", "responses": "reasoning", "cohere": "thinking",
        "bedrock": "reasoning_config",
    },
    "verbosity": {"responses": "text.verbosity"},
    "modalities": {"gemini": "responseModalities"},
}  # fmt: skip


class Losses:
    """Grows while something is rendered, in the order in which it comes up."""

    def __init__(self, request: Request) -> None:
        self.found: list[Loss] = []
        self._dialect = request.dialect

    def add(self, name: str, reason: str) -> None:
        loss = Loss(_WORDS.get(name, {}).get(self._dialect, name), reason)
        if loss not in self.found:
            self.found.append(loss)
