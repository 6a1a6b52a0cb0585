"""Who is meant: from what people write (`@anna`, `@qa`, `drafty`) to people, agents and teams.

One namespace behind the `@`: a person's handle, a team's handle, an agent's name with dashes for its spaces. A handle
that two of them share means the person first, then the team, then the agent.
"""

import re
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import Actor, ActorKind
from controlplane.store.tables import Agent, Team, TeamMember, User
from controlplane.store.upsert import table_of

MENTION = re.compile(r"(?<![\w@/.])@([a-z0-9][a-z0-9_.-]*[a-z0-9]|[a-z0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TeamEntry:
    """A team and who is in it now."""

    team_id: str
    handle: str
    name: str
    members: tuple[Actor, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One line of the list that opens behind an `@`."""

    handle: str
    name: str
    kind: str  # person | agent | team
    detail: str = ""


@dataclass(frozen=True, slots=True)
class MentionPreview:
    """Who would hear of a text, before it is sent."""

    people: tuple[Actor, ...]
    agents: tuple[Actor, ...]
    teams: tuple[TeamEntry, ...]
    unknown: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Directory:
    """Everybody of a workspace who can be named. Small: read whole when somebody is named."""

    people: dict[str, Actor]  # by handle
    agents: dict[str, Actor]  # by handle
    teams: dict[str, TeamEntry]  # by handle

    def named(self, reference: str) -> tuple[Actor, ...]:
        """The person, the agent, or the members of the team; empty when nobody is called that. Ids are names, too."""
        handle = handle_of(reference.removeprefix("@"))
        if handle in self.people:
            return (self.people[handle],)
        if handle in self.teams:
            return self.teams[handle].members
        if handle in self.agents:
            return (self.agents[handle],)
        return tuple(one for one in (*self.people.values(), *self.agents.values()) if one.id == reference)

    def preview(self, text: str) -> MentionPreview:
        """Whom the `@handles` of a text mean; each once."""
        people: dict[str, Actor] = {}
        agents: dict[str, Actor] = {}
        teams: list[TeamEntry] = []
        unknown: list[str] = []
        for handle in mentioned(text):
            found = self.named(handle)
            if not found and handle not in self.teams:
                unknown.append(handle)
            if handle in self.teams and handle not in self.people:
                teams.append(self.teams[handle])
            for one in found:
                (agents if one.kind is ActorKind.AGENT else people)[one.id] = one
        return MentionPreview(tuple(people.values()), tuple(agents.values()), tuple(teams), tuple(unknown))

    def candidates(self, prefix: str, limit: int) -> list[Candidate]:
        """People first, then teams, then agents; by handle or by any word of the name."""
        wanted = prefix.strip().removeprefix("@").lower()
        everybody = [
            *(Candidate(handle, one.name, "person") for handle, one in sorted(self.people.items())),
            *(
                Candidate(handle, team.name, "team", f"{len(team.members)} members")
                for handle, team in sorted(self.teams.items())
            ),
            *(Candidate(handle, one.name, "agent") for handle, one in sorted(self.agents.items())),
        ]
        return [one for one in everybody if _matches(one, wanted)][:limit]


def handle_of(name: str) -> str:
    """An agent's name as it is written behind an `@`."""
    return re.sub(r"\s+", "-", name.strip().lower())


def mentioned(text: str) -> list[str]:
    """The handles of a text, each once, in order."""
    return list(dict.fromkeys(handle.lower() for handle in MENTION.findall(text)))


def _matches(candidate: Candidate, wanted: str) -> bool:
    words = (candidate.handle, *candidate.name.lower().split())
    return not wanted or any(word.startswith(wanted) for word in words)


async def read_directory(session: AsyncSession, workspace_id: str) -> Directory:
    """Everybody who may be named now: agents that have retired are not among them."""
    user, agent, team, member = (table_of(table).c for table in (User, Agent, Team, TeamMember))
    people = {
        row.handle: Actor(ActorKind.PERSON, row.user_id, row.name)
        for row in await session.execute(
            select(user.handle, user.user_id, user.name).where(user.workspace_id == workspace_id)
        )
    }
    active = select(agent.agent_id, agent.name).where(agent.workspace_id == workspace_id, agent.retired_at_ms.is_(None))
    agents = {
        handle_of(row.name): Actor(ActorKind.AGENT, row.agent_id, row.name) for row in await session.execute(active)
    }
    by_id = {one.id: one for one in (*people.values(), *agents.values())}
    members: dict[str, list[Actor]] = {}
    rows = await session.execute(
        select(member.team_id, member.member_id).where(member.workspace_id == workspace_id).order_by(member.member_id)
    )
    for team_id, member_id in rows:
        if member_id in by_id:
            members.setdefault(team_id, []).append(by_id[member_id])
    teams = await session.execute(select(team.team_id, team.handle, team.name).where(team.workspace_id == workspace_id))
    entries = {row.handle: TeamEntry(*row, tuple(members.get(row.team_id, ()))) for row in teams}
    return Directory(people, agents, entries)
