"""How much a Gemini is to think. https://ai.google.dev/gemini-api/docs/thinking (November 2026).

2.5 has a budget in tokens, of which 0 is off and -1 lets the model choose; 3 has levels and cannot be switched off.
What a Gemini client said goes back as it was said; what others said is fitted to the model.
"""

from typing import Any, get_args

from proxy.canonical.request import Effort, Reasoning, Request
from proxy.dialects.gemini.models import budget, can_think, levels, thinks_in_levels
from proxy.dialects.gemini.spelling import members
from proxy.dialects.losses import Losses
from proxy.dialects.members import MOST_WRITTEN

DYNAMIC = -1

# The same budgets as of every other dialect that has them.
_BUDGETS: dict[str, int] = {
    "minimal": 1024, "low": 2048, "medium": 8192, "high": 16_384, "xhigh": 32_768, "max": 65_536,
}  # fmt: skip
_NATURAL = {"none": "minimal", "minimal": "minimal", "low": "low", "medium": "medium"}  # all above is 'high'
_EFFORTS = get_args(Effort)


def parse_thinking(config: object) -> tuple[Reasoning | None, dict[str, Any]]:
    """`thinkingConfig`, and what of it is not known here, under dotted names."""
    said = dict(members(config))
    if not said:
        return None, {}
    tokens, level = said.pop("thinkingBudget", None), str(said.pop("thinkingLevel", "")).lower()
    reasoning = Reasoning(includes_thoughts=said.pop("includeThoughts", None))
    if isinstance(tokens, int | float) and abs(tokens) < MOST_WRITTEN:
        reasoning.is_off = tokens == 0
        reasoning.is_adaptive = tokens < 0
        reasoning.budget_tokens = int(tokens) if tokens > 0 else None
    if level in _EFFORTS:
        reasoning.effort = level  # type: ignore[assignment]  # mypy does not follow get_args
    elif level:
        said["thinkingLevel"] = level.upper()
    return reasoning, {f"thinkingConfig.{name}": value for name, value in said.items()}


def render_thinking(request: Request, losses: Losses) -> dict[str, Any]:
    asked = request.reasoning
    if asked is None:
        return {}
    if request.dialect == "gemini":
        return _as_said(asked)
    is_off = asked.is_off or asked.effort == "none"
    if not can_think(request.model):
        if not is_off:
            losses.of(request, "reasoning", "This model does not think before it answers.")
        return {}
    config = _level(request, asked, losses) if thinks_in_levels(request.model) else _budget(request, asked, losses)
    if not is_off and asked.summary != "":
        config["includeThoughts"] = True if asked.includes_thoughts is None else asked.includes_thoughts
    return config


def _as_said(asked: Reasoning) -> dict[str, Any]:
    config: dict[str, Any] = {}
    if asked.includes_thoughts is not None:
        config["includeThoughts"] = asked.includes_thoughts
    if asked.is_off:
        config["thinkingBudget"] = 0
    elif asked.budget_tokens is not None:
        config["thinkingBudget"] = asked.budget_tokens
    elif asked.is_adaptive:
        config["thinkingBudget"] = DYNAMIC
    if asked.effort is not None and not asked.is_off:
        config["thinkingLevel"] = asked.effort
    return config


def _level(request: Request, asked: Reasoning, losses: Losses) -> dict[str, Any]:
    known = levels(request.model)
    if asked.is_off or asked.effort == "none":
        losses.of(request, "reasoning", f"This model cannot stop thinking; it thinks at its least, {known[0]!r}.")
        return {"thinkingLevel": known[0]}
    effort = asked.effort or _nearest(asked.budget_tokens)
    if effort is None:
        return {}
    wanted = _NATURAL.get(effort, "high")
    if wanted not in known:
        wanted = known[0] if wanted == "minimal" else "high"
    return {"thinkingLevel": wanted}


def _budget(request: Request, asked: Reasoning, losses: Losses) -> dict[str, Any]:
    limits = budget(request.model)
    if asked.is_off or asked.effort == "none":
        if limits.can_be_off:
            return {"thinkingBudget": 0}
        losses.of(request, "reasoning", "This model cannot stop thinking; it has its smallest budget.")
        return {"thinkingBudget": limits.least}
    tokens = asked.budget_tokens or (_BUDGETS[asked.effort] if asked.effort else None)
    if tokens is None:
        return {"thinkingBudget": DYNAMIC} if asked.is_adaptive else {}
    return {"thinkingBudget": min(max(tokens, limits.least), limits.most)}


def _nearest(tokens: int | None) -> str | None:
    if tokens is None:
        return None
    return min(_BUDGETS, key=lambda effort: abs(_BUDGETS[effort] - tokens))
