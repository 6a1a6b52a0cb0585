"""Teams and mentions, freezes, incidents, the inbox, and where work stands still."""

from typing import Literal

from controlplane.api.views.answers import ActorView, Moment, NanoUsd, View, actor_view
from controlplane.commands.directory import TeamEntry


class TeamView(View, frozen=True):
    handle: str
    name: str
    members: list[ActorView]


class TeamPage(View, frozen=True):
    teams: list[TeamView]
    next_cursor: str | None


class CandidateView(View, frozen=True):
    """One line of the list behind an `@`."""

    handle: str
    name: str
    kind: Literal["person", "agent", "team"]
    detail: str


class CandidatesView(View, frozen=True):
    candidates: list[CandidateView]


class PreviewView(View, frozen=True):
    """Who would hear of a text, and which handles nobody has."""

    people: list[ActorView]
    agents: list[ActorView]
    teams: list[TeamView]
    unknown: list[str]


class FrozenView(View, frozen=True):
    """The tasks that stand still for it, or go on again."""

    task_ids: list[str]


class FreezeView(View, frozen=True):
    """Where somebody pressed the button: `subject` is `T-12`, an agent's name, or empty for everything."""

    scope: Literal["task", "agent", "workspace"]
    subject: str
    subject_id: str
    reason: str
    by: str
    at: Moment
    tasks: int


class FreezePage(View, frozen=True):
    freezes: list[FreezeView]
    next_cursor: str | None


class IncidentView(View, frozen=True):
    """Many agents lost at once; over when `ended_at` is set."""

    incident_id: str
    kind: str
    text: str
    run_ids: list[str]
    started_at: Moment
    updated_at: Moment
    ended_at: Moment | None


class IncidentPage(View, frozen=True):
    incidents: list[IncidentView]
    next_cursor: str | None


class NoticeView(View, frozen=True):
    """What waits for a person; it is gone when what it is about is settled."""

    notice_id: str
    kind: str
    text: str
    task_id: str
    ref: str
    title: str
    created_at: Moment
    seen_at: Moment | None


class NoticePage(View, frozen=True):
    notices: list[NoticeView]
    next_cursor: str | None


class StalledView(View, frozen=True):
    """A task that others wait for and that does not move, with what waits behind it."""

    task_id: str
    ref: str
    title: str
    status: str
    signal: str
    tasks_behind: list[str]
    agents_behind: list[str]
    spent_behind_nano_usd: NanoUsd
    waiting_nano_usd: NanoUsd


class StalledPage(View, frozen=True):
    stalled: list[StalledView]
    next_cursor: str | None


def team_view(team: TeamEntry) -> TeamView:
    return TeamView(handle=team.handle, name=team.name, members=[actor_view(one) for one in team.members])
