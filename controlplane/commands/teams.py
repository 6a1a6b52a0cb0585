"""Teams, and who is meant behind an `@`."""

import re
from collections.abc import Sequence

from pointsman.contract import ErrorCode
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.commands.desk import Desk, refused
from controlplane.commands.directory import Candidate, Directory, MentionPreview, TeamEntry, read_directory
from controlplane.store.outbox import announce
from controlplane.store.tables import Team, TeamMember
from controlplane.store.upsert import insert_into, table_of

HANDLE = re.compile(r"[a-z0-9](?:[a-z0-9_.-]{0,38}[a-z0-9])?")
MAX_MEMBERS = 200


class TeamCommands(Desk):
    """Verbs about people and agents that are named together."""

    async def directory(self, workspace_id: str) -> Directory:
        """Everybody who can be named."""
        async with self.database.reading() as session:
            return await read_directory(session, workspace_id)

    async def mention_candidates(self, workspace_id: str, prefix: str, limit: int = 8) -> list[Candidate]:
        """What the list behind an `@` offers."""
        return (await self.directory(workspace_id)).candidates(prefix, limit)

    async def mention_preview(self, workspace_id: str, text: str) -> MentionPreview:
        """Who would hear of this text."""
        return (await self.directory(workspace_id)).preview(text)

    async def make_team(self, workspace_id: str, handle: str, name: str, members: Sequence[str]) -> TeamEntry:
        """The team of that handle, made if it is new, with exactly these members (handles, names or ids)."""
        if not HANDLE.fullmatch(handle):
            raise refused(ErrorCode.INVALID_REQUEST, f"A team's handle is like 'qa', not {handle!r}.", field="handle")
        async with self.database.transaction() as session:
            directory = await read_directory(session, workspace_id)
            if handle in directory.people or handle in directory.agents:
                raise refused(ErrorCode.INVALID_REQUEST, f"@{handle} is somebody already.", field="handle")
            member_ids = _members(directory, members)
            known = directory.teams.get(handle)
            team_id = known.team_id if known else f"tm_{workspace_id}_{handle}"
            await session.execute(
                insert_into(session, Team)
                .values(
                    team_id=team_id,
                    workspace_id=workspace_id,
                    handle=handle,
                    name=name.strip() or handle,
                    created_at_ms=self.clock.now_ms(),
                )
                .on_conflict_do_update(index_elements=["team_id"], set_={"name": name.strip() or handle})
            )
            await _set_members(session, workspace_id, team_id, member_ids)
            announce(session, workspace_id, "agent", team_id, self.clock.now_ms())
            return (await read_directory(session, workspace_id)).teams[handle]

    async def set_team_members(self, workspace_id: str, handle: str, members: Sequence[str]) -> TeamEntry:
        """The team with exactly these members. Raises CommandRefused(not_found)."""
        known = (await self.directory(workspace_id)).teams.get(handle.removeprefix("@").lower())
        if known is None:
            raise refused(ErrorCode.NOT_FOUND, f"There is no team {handle!r}.")
        return await self.make_team(workspace_id, known.handle, known.name, members)


def _members(directory: Directory, references: Sequence[str]) -> list[str]:
    found: dict[str, None] = {}
    for reference in references:
        named = directory.named(reference)
        if not named:
            raise refused(ErrorCode.INVALID_REQUEST, f"Nobody here is called {reference!r}.", field="members")
        found |= dict.fromkeys(one.id for one in named)
    if len(found) > MAX_MEMBERS:
        raise refused(ErrorCode.INVALID_REQUEST, f"A team has at most {MAX_MEMBERS} members.", field="members")
    return list(found)


async def _set_members(session: AsyncSession, workspace_id: str, team_id: str, member_ids: list[str]) -> None:
    members = table_of(TeamMember)
    await session.execute(delete(members).where(members.c.team_id == team_id))
    if member_ids:
        rows = [{"team_id": team_id, "member_id": one, "workspace_id": workspace_id} for one in member_ids]
        await session.execute(insert_into(session, TeamMember), rows)
