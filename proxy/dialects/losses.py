"""What a request or an answer says and another dialect has no word for."""

from collections.abc import Iterable, Mapping
from typing import Any

from proxy.canonical.request import Loss, Request
from proxy.errors import Dialect

# Members of the hub in the words of whoever wrote the request; by its own name where no word is given.
_WORDS: Mapping[str, Mapping[Dialect, str]] = {
    "count": {"openai": "n", "gemini": "candidateCount"},
    "format": {
        "openai": "response_format", "responses": "text.format", "anthropic": "output_config.format",
        "gemini": "responseSchema", "bedrock": "outputConfig", "cohere": "response_format",
    },
    "frequency_penalty": {"gemini": "frequencyPenalty"},
    "is_parallel": {
        "openai": "parallel_tool_calls", "responses": "parallel_tool_calls",
        "anthropic": "tool_choice.disable_parallel_tool_use",
    },
    "logprobs": {"gemini": "responseLogprobs"},
    "max_tokens": {
        "openai": "max_completion_tokens", "responses": "max_output_tokens", "gemini": "maxOutputTokens",
        "bedrock": "maxTokens",
    },
    "modalities": {"gemini": "responseModalities"},
    "presence_penalty": {"gemini": "presencePenalty"},
    "reasoning": {
        "openai": "reasoning_effort", "anthropic": "thinking", "gemini": "thinkingConfig",
        "bedrock": "reasoning_config", "cohere": "thinking",
    },
    "stop": {
        "anthropic": "stop_sequences", "gemini": "stopSequences", "bedrock": "stopSequences",
        "cohere": "stop_sequences",
    },
    "top_k": {"gemini": "topK", "cohere": "k"},
    "top_logprobs": {"gemini": "logprobs"},
    "top_p": {"gemini": "topP", "bedrock": "topP", "cohere": "p"},
    "user": {"anthropic": "metadata.user_id"},
    "verbosity": {"responses": "text.verbosity"},
}  # fmt: skip


class Losses:
    """Grows while something is rendered: each loss once, in the order found."""

    __slots__ = ("found",)

    def __init__(self, found: list[Loss] | None = None) -> None:
        self.found: list[Loss] = [] if found is None else found

    def add(self, name: str, reason: str) -> None:
        loss = Loss(name, reason)
        if loss not in self.found:
            self.found.append(loss)

    def of(self, request: Request, member: str, reason: str) -> None:
        """Of a member of the request, under the name that its writer gave it."""
        self.add(word_of(request, member), reason)


def word_of(request: Request, member: str) -> str:
    return _WORDS.get(member, {}).get(request.dialect, member)


def tell_unsayable(request: Request, losses: Losses, absent: Iterable[str], unknown: str, provider: str) -> None:
    """What a foreign request says to a dialect that gives one answer, in text, and has no word for `absent`."""
    for name in absent:
        value = getattr(request, name)
        if value or (name == "seed" and value is not None):  # 0 is a seed; a penalty of 0 is none
            losses.of(request, name, unknown)
    if (request.count or 1) > 1:
        losses.of(request, "count", f"{provider} gives one answer to a request.")
    for modality in request.modalities:
        if modality.lower() != "text":
            losses.of(request, "modalities", f"{provider}'s models answer in text, not in {modality.lower()}.")


def native_kind(raw: Mapping[str, Any]) -> str:
    """Of a part or tool that only its own dialect knows. Most say it in `type`, Gemini and Bedrock by what is set."""
    return str(raw.get("type") or next(iter(raw), "part"))
