"""What a person can do to an agent: each verb with its words, and whether it is possible now."""

from collections.abc import Callable
from dataclasses import dataclass

from controlplane.queries.agent_view import AgentView


@dataclass(frozen=True, slots=True)
class AgentVerb:
    """One verb. `asks` is the label of the reason that its form asks for; without it, it is done at once."""

    name: str  # in addresses: /agents/NAME/operate/VERB shows its form, /agents/NAME/VERB does it
    label: str
    icon: str
    explains: str
    asks: str = ""
    is_direct: bool = False
    is_final: bool = False
    when: Callable[[AgentView], bool] = lambda _agent: True


AGENT_VERBS: tuple[AgentVerb, ...] = (
    AgentVerb(
        "pause",
        "Pause",
        "pause",
        "It takes no new work and is told to stop. What it holds stays its own, and its calls wait.",
        asks="Why?",
        when=lambda agent: not agent.is_paused and not agent.is_retired,
    ),
    AgentVerb("resume", "Resume", "play", "It may work again.", is_direct=True, when=lambda agent: agent.is_paused),
    AgentVerb(
        "freeze",
        "Freeze",
        "snowflake",
        "Within a second its keys are refused, its live streams are cut and its calls wait. Nothing is lost.",
        asks="Why?",
        when=lambda agent: not agent.is_frozen_itself,
    ),
    AgentVerb(
        "thaw",
        "Thaw",
        "play",
        "Its calls go through and its runs go on, unless everything is frozen.",
        is_direct=True,
        when=lambda agent: agent.is_frozen_itself,
    ),
    AgentVerb(
        "edit",
        "Capabilities and concurrency",
        "sliders-horizontal",
        "What it can do decides what it is offered; concurrency, how much at once.",
        when=lambda agent: not agent.is_retired,
    ),
    AgentVerb(
        "retire",
        "Retire",
        "archive",
        "It takes no new work ever; what it holds it may finish, and its history stays.",
        is_final=True,
        when=lambda agent: not agent.is_retired,
    ),
)
_BY_NAME = {verb.name: verb for verb in AGENT_VERBS}


def find_agent_verb(name: str) -> AgentVerb | None:
    """The verb of that name."""
    return _BY_NAME.get(name)


def possible_for(agent: AgentView) -> list[AgentVerb]:
    """All that can be done now."""
    return [verb for verb in AGENT_VERBS if verb.when(agent)]
