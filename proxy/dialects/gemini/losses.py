"""A list of what could not be said, each thing once."""

from proxy.canonical.request import Loss, Request
from proxy.errors import Dialect

# The clients' own words for members that the hub has one name for.
_WORDS: dict[str, dict[Dialect, str]] = {
    "is_parallel": {"anthropic": "tool_choice.disable_parallel_tool_use"},
    "user": {"anthropic": "metadata.user_id"},
    "verbosity": {"responses": "text.verbosity"},
    "format": {"responses": "text.format", "anthropic": "output_config.format", "bedrock": "outputConfig"},
    "reasoning": {
        "openai": "reasoning_effort",
        "anthropic": "thinking",
        "cohere": "thinking",
        "gemini": "thinkingConfig",
    },
    "stop": {"anthropic": "stop_sequences", "bedrock": "stopSequences", "cohere": "stop_sequences"},
    "top_k": {"bedrock": "topK", "cohere": "k"},
}
_USUAL = {"is_parallel": "parallel_tool_calls", "format": "response_format"}


class Losses:
    """Grows while something is rendered. `found` keeps the order in which it came up."""

    def __init__(self, found: list[Loss] | None = None) -> None:
        self.found: list[Loss] = [] if found is None else found

    def add(self, name: str, reason: str) -> None:
        loss = Loss(name, reason)
        if loss not in self.found:
            self.found.append(loss)

    def add_member(self, request: Request, member: str, reason: str) -> None:
        """For a member of the canonical request, by the name that the client's dialect has for it."""
        self.add(word_of(request, member), reason)


def word_of(request: Request, member: str) -> str:
    return _WORDS.get(member, {}).get(request.dialect) or _USUAL.get(member, member)
