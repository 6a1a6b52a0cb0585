"""What OpenAI's models want to be asked differently, told by their names. Each rule with its source.

A name may stand behind a provider's ('openai/gpt-5-mini'). Names that say nothing get the oldest, widest form.
"""

import re

from proxy.canonical.request import Effort, Reasoning

# https://platform.openai.com/docs/guides/reasoning (November 2026)
_REASONING = re.compile(r"^(o[1-9](?:$|-)|gpt-5(?!\d)(?!.*chat)|codex-)")
_PLAIN = re.compile(r"^(gpt-[34](?:\.|o|-|$)|chatgpt-4o|gpt-5.*chat|davinci|babbage)")
_FIVE = re.compile(r"^gpt-5(?:\.(\d+))?")
# Models of others that take `reasoning_effort`: from the pages of Groq, xAI, Google's OpenAI-like endpoint, Mistral.
_OTHERS = re.compile(r"gpt-oss|grok-3-mini|grok-4\.\d|gemini-(?:2\.5|[3-9])|qwen3|deepseek-v[4-9]|magistral|glm-[5-9]")
_ONE_BY_ONE = re.compile(r"^o[1-9](?:$|-)")
_SEARCHING = re.compile(r"search")

_BUDGETS: tuple[tuple[Effort, int], ...] = (("low", 2048), ("medium", 8192), ("high", 16384), ("xhigh", 32768))


def bare(model: str) -> str:
    return model.rpartition("/")[2].lower()


def is_reasoning(model: str) -> bool:
    """It wants `max_completion_tokens` and refuses temperature, top_p, penalties and stop."""
    return _REASONING.match(bare(model)) is not None


def is_never_thinking(model: str) -> bool:
    """An OpenAI model that refuses `reasoning_effort`."""
    return _PLAIN.match(bare(model)) is not None


def is_openai(model: str) -> bool:
    """A name that OpenAI gave: its own servers, or Azure's, or a router to them."""
    return is_reasoning(model) or is_never_thinking(model)


def takes_effort(model: str) -> bool:
    return is_reasoning(model) or _OTHERS.search(bare(model)) is not None


def takes_parallel(model: str) -> bool:
    """The o-series calls one tool at a time and refuses `parallel_tool_calls`, whatever its value."""
    return _ONE_BY_ONE.match(bare(model)) is None


def takes_search(model: str) -> bool:
    """`web_search_options` is for the search models; others answer 400 (seen August 2025)."""
    return _SEARCHING.search(bare(model)) is not None


def effort_of(reasoning: Reasoning, model: str) -> Effort | None:
    """The word that this model knows for it; None: leave it to the model."""
    if reasoning.is_off or reasoning.effort == "none":
        return _least(model)
    budget = reasoning.budget_tokens
    if reasoning.effort is None and budget is not None:
        return _known_word(min(_BUDGETS, key=lambda known: abs(known[1] - budget))[0], model)
    return None if reasoning.effort is None else _known_word(reasoning.effort, model)


def _known_word(effort: Effort, model: str) -> Effort:
    version = _five(model)
    if effort == "minimal":
        return "minimal" if version == 0 else "low"  # gpt-5 only: from 5.1 on 'none' has taken its place
    if effort in {"xhigh", "max"}:
        return "xhigh" if version is not None and version >= 2 else "high"  # from gpt-5.2 on
    return effort


def _least(model: str) -> Effort | None:
    """As little as the model can. None for those that are not known to think."""
    version = _five(model)
    if version is not None and is_reasoning(model):
        return "minimal" if version == 0 else "none"
    return "low" if takes_effort(model) else None


def _five(model: str) -> int | None:
    """The minor version of a gpt-5; None for anything else."""
    match = _FIVE.match(bare(model))
    return int(match[1] or 0) if match else None
