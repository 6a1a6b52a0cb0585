"""What models take beside Converse's common parameters: thinking, its effort, and top_k.

    Claude    thinking, output_config.effort, top_k   docs.aws.amazon.com/bedrock/latest/userguide/claude-messages-extended-thinking.html
    Nova 2    reasoningConfig; inferenceConfig.topK   docs.aws.amazon.com/nova/latest/nova2-userguide/extended-thinking.html
    gpt-oss   reasoning_effort                        docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-openai.html
    OpenAI    reasoning.effort

(November 2026.) `outputConfig.effort` of Converse itself is read; it is written nowhere, since not every model has it.
"""  # noqa: E501 - addresses

from typing import Any, get_args

from proxy.canonical.request import Effort, Reasoning, Request
from proxy.dialects.anthropic.models import model_of
from proxy.dialects.anthropic.reasoning import render_own_reasoning, render_reasoning
from proxy.dialects.bedrock.families import family_of, is_claude, is_thinking_nova
from proxy.dialects.losses import Losses
from proxy.dialects.reading import member, text_of

_EFFORTS: dict[int, Effort] = {1024: "minimal", 2048: "low", 8192: "medium", 16_384: "high", 32_768: "xhigh"}
_THREE: dict[Effort, str] = {
    "minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "high", "max": "high",
}  # fmt: skip
_DISPLAYS = {"summarized": "auto", "omitted": ""}


def parse_model_fields(fields: dict[str, Any], request: Request) -> None:
    """Takes what is known out; the others stay together in `rest`."""
    rest = dict(fields)
    reasoning = Reasoning()
    _take_thinking(rest, reasoning)
    _take_effort(rest, reasoning)
    if reasoning != Reasoning():
        request.reasoning = reasoning
    if isinstance(rest.get("top_k"), int):
        request.top_k = rest.pop("top_k")
    nova = rest.get("inferenceConfig")
    if isinstance(nova, dict) and isinstance(nova.get("topK"), int):
        request.top_k = nova["topK"]
        rest["inferenceConfig"] = {name: value for name, value in nova.items() if name != "topK"}
        if not rest["inferenceConfig"]:
            del rest["inferenceConfig"]
    if rest:
        request.rest["additionalModelRequestFields"] = rest


def take_effort(effort: object, request: Request) -> None:
    """Of `outputConfig.effort`."""
    if effort in get_args(Effort):
        request.reasoning = request.reasoning or Reasoning()
        request.reasoning.effort = effort  # type: ignore[assignment] # it is one of them


def _take_thinking(rest: dict[str, Any], reasoning: Reasoning) -> None:
    thinking = rest.pop("thinking", None)
    kind = member(thinking, "type")
    if kind == "enabled":
        reasoning.budget_tokens = member(thinking, "budget_tokens")
    reasoning.is_adaptive = kind == "adaptive"
    reasoning.is_off = kind == "disabled"
    reasoning.summary = _DISPLAYS.get(text_of(member(thinking, "display")))


def _take_effort(rest: dict[str, Any], reasoning: Reasoning) -> None:
    effort = rest.pop("reasoning_effort", None)
    for name, inner in (
        ("output_config", "effort"),
        ("reasoning", "effort"),
        ("reasoningConfig", "maxReasoningEffort"),
    ):
        found = member(rest.get(name), inner)
        if found is None and member(rest.get(name), "type") != "disabled":
            continue
        reasoning.is_off = reasoning.is_off or member(rest[name], "type") == "disabled"
        effort = found or effort
        kept = {key: value for key, value in rest[name].items() if key not in {inner, "type"}}
        rest.pop(name)
        if kept:
            rest[name] = kept
    if effort in get_args(Effort):
        reasoning.effort = effort


class Extras:
    """What goes into `additionalModelRequestFields`, and what that means for the common parameters."""

    __slots__ = ("bans_sampling", "fields", "max_tokens", "thinks")

    def __init__(self, max_tokens: int | None) -> None:
        self.fields: dict[str, Any] = {}
        self.max_tokens = max_tokens
        self.thinks = False
        self.bans_sampling = ""  # why


def render_model_fields(request: Request, losses: Losses) -> Extras:
    extras = Extras(request.max_tokens)
    if request.reasoning is not None:
        _render_reasoning(request, extras, losses)
    if request.top_k is not None:
        _render_top_k(request, extras, losses)
    return extras


def _render_reasoning(request: Request, extras: Extras, losses: Losses) -> None:
    family = family_of(request.model)
    if is_claude(request.model):
        _render_claude(request, extras, losses)
    elif is_thinking_nova(request.model):
        _render_nova(request, extras, losses)
    elif family in {"gpt-oss", "openai"} and (effort := _effort(request)) is not None:
        extras.thinks = True
        three = _THREE.get(effort, "low")
        extras.fields |= {"reasoning_effort": three} if family == "gpt-oss" else {"reasoning": {"effort": effort}}
    elif not _is_off(request):
        losses.of(request, "reasoning", "Bedrock has no way to tell this model how much to think.")


def _render_claude(request: Request, extras: Extras, losses: Losses) -> None:
    is_own = request.dialect == "bedrock"
    model = model_of(request.model)
    thought = render_own_reasoning(request.reasoning) if is_own else render_reasoning(request, model, losses)
    extras.thinks = thought.is_on
    if thought.thinking:
        extras.fields["thinking"] = thought.thinking
    if thought.effort:
        extras.fields["output_config"] = {"effort": thought.effort}
    if thought.is_on:
        extras.max_tokens = thought.max_tokens
        extras.bans_sampling = "Claude takes no sampling settings where it thinks."


def _render_nova(request: Request, extras: Extras, losses: Losses) -> None:
    if _is_off(request):
        extras.fields["reasoningConfig"] = {"type": "disabled"}
        return
    effort = _THREE[_effort(request) or "medium"]
    extras.thinks = True
    extras.fields["reasoningConfig"] = {"type": "enabled", "maxReasoningEffort": effort}
    if effort == "high" and request.dialect != "bedrock":
        extras.bans_sampling = "Nova takes no sampling settings with high effort."
        if request.max_tokens is not None:
            extras.max_tokens = None
            losses.of(request, "max_tokens", "Nova takes no limit with high effort.")


def _is_off(request: Request) -> bool:
    reasoning = request.reasoning
    return reasoning is not None and (reasoning.is_off or reasoning.effort == "none" or reasoning.budget_tokens == 0)


def _effort(request: Request) -> Effort | None:
    reasoning = request.reasoning
    if reasoning is None or _is_off(request):
        return None
    if reasoning.effort is not None:
        return reasoning.effort
    budget = reasoning.budget_tokens
    if budget is None or budget < 0:
        return "medium" if reasoning.is_adaptive or budget is not None else None
    return _EFFORTS[min(_EFFORTS, key=lambda known: abs(known - budget))]


def _render_top_k(request: Request, extras: Extras, losses: Losses) -> None:
    family = family_of(request.model)
    if extras.bans_sampling:
        losses.of(request, "top_k", extras.bans_sampling)
    elif family == "nova":
        extras.fields["inferenceConfig"] = {"topK": request.top_k}
    elif family == "claude" and request.dialect != "bedrock" and not model_of(request.model).has_sampling:
        losses.of(request, "top_k", "This model takes no sampling settings.")
    elif family in {"claude", "mistral", ""} or request.dialect == "bedrock":
        extras.fields["top_k"] = request.top_k
    else:
        losses.of(request, "top_k", "Bedrock has no way to tell this model.")
