"""What a request or an answer asks for and Anthropic's messages cannot say."""

from proxy.canonical.request import Loss, Request
from proxy.errors import Dialect

# Members of the hub in the words of whoever wrote the request; by its own name where no word is given.
_WORDS: dict[str, dict[Dialect, str]] = {
    "count": {"openai": "n", "gemini": "candidateCount"},
    "format": {"openai": "response_format", "responses": "text.format", "gemini": "responseSchema"},
    "is_parallel": {"openai": "parallel_tool_calls", "responses": "parallel_tool_calls"},
    "logprobs": {"gemini": "responseLogprobs"},
    "max_tokens": {"responses": "max_output_tokens", "gemini": "maxOutputTokens", "bedrock": "maxTokens"},
    "presence_penalty": {"gemini": "presencePenalty"},
    "frequency_penalty": {"gemini": "frequencyPenalty"},
    "reasoning": {"openai": "reasoning_effort", "gemini": "thinkingConfig", "anthropic": "thinking"},
    "stop": {"gemini": "stopSequences", "bedrock": "stopSequences", "cohere": "stop_sequences"},
    "top_k": {"gemini": "topK", "cohere": "k"},
    "top_logprobs": {"gemini": "logprobs"},
    "top_p": {"gemini": "topP", "bedrock": "topP", "cohere": "p"},
    "modalities": {"gemini": "responseModalities"},
    "verbosity": {"responses": "text.verbosity"},
}


class Losses:
    """Each loss once, in the order found."""

    __slots__ = ("found",)

    def __init__(self, found: list[Loss] | None = None) -> None:
        self.found: list[Loss] = [] if found is None else found

    def add(self, name: str, reason: str) -> None:
        loss = Loss(name, reason)
        if loss not in self.found:
            self.found.append(loss)

    def of(self, request: Request, member: str, reason: str) -> None:
        """Of a member of the request, under the name that its writer gave it."""
        self.add(_WORDS.get(member, {}).get(request.dialect, member), reason)
