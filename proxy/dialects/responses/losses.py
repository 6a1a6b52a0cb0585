"""What this API cannot say, in the words of the client's own dialect."""

from typing import Any

from proxy.canonical.request import Loss, Request
from proxy.errors import Dialect

# Where a dialect's word is not the hub's.
_WORDS: dict[str, dict[Dialect, str]] = {
    "stop": {"anthropic": "stop_sequences", "gemini": "stopSequences", "bedrock": "stopSequences"},
    "top_k": {"gemini": "topK", "bedrock": "topK", "cohere": "k"},
    "top_p": {"gemini": "topP", "bedrock": "topP", "cohere": "p"},
    "count": {"openai": "n", "gemini": "candidateCount"},
    "presence_penalty": {"gemini": "presencePenalty"},
    "frequency_penalty": {"gemini": "frequencyPenalty"},
    "modalities": {"gemini": "responseModalities"},
    "max_tokens": {"openai": "max_completion_tokens", "gemini": "maxOutputTokens", "bedrock": "maxTokens"},
    "reasoning": {"openai": "reasoning_effort", "anthropic": "thinking", "gemini": "thinkingConfig"},
}


def native_kind(raw: dict[str, Any]) -> str:
    """Most dialects say it in `type`, Gemini and Bedrock by the member that is set."""
    return str(raw.get("type") or next(iter(raw), "part"))


class Losses:
    """Grows while something is rendered; each thing is said once. `found` is the caller's list."""

    def __init__(self, found: list[Loss], dialect: Dialect | None = None) -> None:
        self.found = found
        self._dialect = dialect

    def add(self, name: str, reason: str) -> None:
        word = _WORDS.get(name, {}).get(self._dialect, name) if self._dialect is not None else name
        loss = Loss(word, reason)
        if loss not in self.found:
            self.found.append(loss)

    def add_said(self, request: Request, names: tuple[str, ...], reason: str) -> None:
        """Those of these members of the request that are set."""
        for name in names:
            value: Any = getattr(request, name)
            if value is not None and value != [] and value != "":
                self.add(name, reason)
