"""How much to think, and what thinking does not go together with.

https://platform.claude.com/docs/en/build-with-claude/adaptive-thinking and …/extended-thinking (November 2026):
models up to 4.5 take a budget, later ones decide for themselves and take an effort. Thinking excludes sampling settings
and a forced tool; with a budget, a turn that goes on after a tool call has to begin with the thinking that led to it.
"""

from typing import Any

import msgspec

from proxy.canonical.parts import Thinking, ToolCall
from proxy.canonical.request import Effort, Reasoning, Request
from proxy.dialects.anthropic.models import Model
from proxy.dialects.losses import Losses

# Shared by all dialects that know budgets, so that an effort comes back as the same effort.
_BUDGETS: dict[Effort, int] = {
    "minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 65_536,
}  # fmt: skip
SMALLEST_BUDGET = 1024


class Thought(msgspec.Struct):
    """What goes into the body."""

    thinking: dict[str, Any] | None = None
    effort: str | None = None
    max_tokens: int = 0
    is_on: bool = False


def render_own_reasoning(reasoning: Reasoning | None) -> Thought:
    """As the client, who speaks this dialect, said it."""
    if reasoning is None:
        return Thought()
    thinking: dict[str, Any] | None = None
    if reasoning.is_off:
        thinking = {"type": "disabled"}
    elif reasoning.is_adaptive:
        thinking = {"type": "adaptive"}
    elif reasoning.budget_tokens is not None:
        thinking = {"type": "enabled", "budget_tokens": reasoning.budget_tokens}
    if thinking and reasoning.summary is not None:
        thinking["display"] = "summarized" if reasoning.summary else "omitted"
    return Thought(thinking, reasoning.effort)


def render_reasoning(request: Request, model: Model, losses: Losses) -> Thought:
    """For a request of another dialect, fitted to the model."""
    thought = Thought(max_tokens=_limit(request, model, losses))
    reasoning = request.reasoning
    if reasoning is None:
        if _is_forced(request):
            _turn_off(request, thought, model, Losses())
        return thought
    if reasoning.is_off or reasoning.effort == "none" or reasoning.budget_tokens == 0:
        _turn_off(request, thought, model, losses)
        return thought
    wanted = reasoning.effort or reasoning.is_adaptive or (reasoning.budget_tokens or 0) > 0
    if not wanted and not reasoning.includes_thoughts and not reasoning.summary:
        return thought
    if obstacle := _obstacle(request, model):
        losses.of(request, "reasoning", obstacle)
        _turn_off(request, thought, model, Losses())
        return thought
    thought.is_on = True
    if model.thinking == "adaptive":
        _be_adaptive(thought, request, reasoning, model, losses)
    else:
        _give_budget(thought, reasoning, model)
    return thought


def _limit(request: Request, model: Model, losses: Losses) -> int:
    """Anthropic refuses more than the model can say, where others take it for as much as there is."""
    if request.max_tokens is None:
        return model.default_max_tokens
    if request.max_tokens > model.longest and model.is_known:
        losses.of(request, "max_tokens", f"This model's answers end at {model.longest} tokens.")
        return model.longest
    return request.max_tokens


def _turn_off(request: Request, thought: Thought, model: Model, losses: Losses) -> None:
    if not model.can_stop_thinking:
        losses.of(request, "reasoning", "This model always thinks.")
    elif model.thinks_unasked:
        thought.thinking = {"type": "disabled"}


def _obstacle(request: Request, model: Model) -> str:
    if model.thinking == "none":
        return "This model does not think before it answers."
    if _is_forced(request) and model.can_stop_thinking:
        return "Anthropic does not think where a tool is forced."
    if model.thinking == "budget" and _is_mid_turn_without_thought(request):
        return "The turn goes on after a tool call, and the thinking that led to it is not at hand."
    return ""


def _is_forced(request: Request) -> bool:
    return request.tool_choice is not None and request.tool_choice.mode in {"required", "tool"}


def _is_mid_turn_without_thought(request: Request) -> bool:
    for message in reversed(request.messages):
        if message.role == "assistant":
            first = message.parts[0] if message.parts else None
            is_led = isinstance(first, Thinking) and first.made_by == "anthropic"
            return not is_led and any(isinstance(part, ToolCall) for part in message.parts)
        if message.role == "user":
            return False
    return False


def _be_adaptive(thought: Thought, request: Request, reasoning: Reasoning, model: Model, losses: Losses) -> None:
    thought.thinking = {"type": "adaptive"}
    if reasoning.summary == "" or reasoning.includes_thoughts is False:
        thought.thinking["display"] = "omitted"
    elif reasoning.summary or reasoning.includes_thoughts:
        thought.thinking["display"] = "summarized"
    effort = reasoning.effort or _nearest(reasoning.budget_tokens)
    if effort == "minimal":
        effort = "low"
    if effort == "xhigh" and not model.has_xhigh:
        losses.of(request, "reasoning", "This model knows no effort 'xhigh'; it gets 'high'.")
        effort = "high"
    thought.effort = effort


def _nearest(budget: int | None) -> Effort | None:
    """None for no budget, and for Gemini's -1: as much as the model likes."""
    if budget is None or budget < 0:
        return None
    return min(_BUDGETS, key=lambda effort: abs(_BUDGETS[effort] - budget))


def _give_budget(thought: Thought, reasoning: Reasoning, model: Model) -> None:
    """At least 1024 and less than the limit of the answer, which is raised where it leaves no room."""
    budget = reasoning.budget_tokens if (reasoning.budget_tokens or 0) > 0 else None
    budget = max(SMALLEST_BUDGET, budget or _BUDGETS.get(reasoning.effort or "medium", 8192))
    limit = thought.max_tokens
    budget = min(budget, max(SMALLEST_BUDGET, limit * 4 // 5))
    if limit <= budget:
        thought.max_tokens = min(limit + budget, model.longest)
    thought.thinking = {"type": "enabled", "budget_tokens": budget}
