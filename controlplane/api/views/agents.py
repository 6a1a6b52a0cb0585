"""Agents, what waits for them, their roles, and keys."""

from typing import Literal

from controlplane.api.views.answers import Moment, View, iso
from controlplane.store.tables import Agent


class AgentView(View, frozen=True):
    """`max_concurrency` of 0: as many tasks as it asks for. A retired one takes no new work."""

    agent_id: str
    name: str
    call_sign: str
    kind: str
    template: str | None
    capabilities: list[str]
    max_concurrency: int
    is_paused: bool
    pause_reason: str
    is_frozen: bool
    is_simulated: bool
    created_at: Moment
    seen_at: Moment | None
    retired_at: Moment | None


class AgentPage(View, frozen=True):
    agents: list[AgentView]
    next_cursor: str | None


class TemplateView(View, frozen=True):
    """A role that agents are made from."""

    name: str
    description: str
    capabilities: list[str]
    max_concurrency: int
    is_built_in: bool


class TemplatePage(View, frozen=True):
    templates: list[TemplateView]
    next_cursor: str | None


class NoteView(View, frozen=True):
    """What waits for an agent: somebody called it, a review it is asked for, a clarification. `version` may be 0."""

    note_id: str
    kind: str
    task_id: str
    ref: str
    version: int
    text: str
    created_at: Moment


class NotePage(View, frozen=True):
    notes: list[NoteView]
    next_cursor: str | None


class NewKeyView(View, frozen=True):
    """The one answer that holds the key."""

    key: str
    kind: Literal["admin", "agent"]
    agent: str | None
    name: str


class KeyView(View, frozen=True):
    """A key by its last four characters; nobody can read it again."""

    key_id: str
    kind: Literal["admin", "agent"]
    agent: str | None
    name: str
    tail: str
    created_at: Moment
    revoked_at: Moment | None


class KeyPage(View, frozen=True):
    keys: list[KeyView]
    next_cursor: str | None


def agent_view(agent: Agent, *, is_frozen: bool) -> AgentView:
    return AgentView(
        agent_id=agent.agent_id,
        name=agent.name,
        call_sign=agent.call_sign,
        kind=agent.kind,
        template=agent.template or None,
        capabilities=list(agent.capabilities),
        max_concurrency=agent.max_concurrency,
        is_paused=agent.is_paused,
        pause_reason=agent.pause_reason,
        is_frozen=is_frozen,
        is_simulated=agent.is_simulated,
        created_at=iso(agent.created_at_ms),
        seen_at=iso(agent.seen_at_ms),
        retired_at=iso(agent.retired_at_ms),
    )
