"""`/teams`, `/mentions`, `/inbox`: who is meant behind an `@`, and what waits for a person."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pointsman.contract import ErrorCode
from sqlalchemy import RowMapping, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.api.bodies import workspace as bodies
from controlplane.api.callers import EVERYBODY, PEOPLE, PEOPLE_AND_AGENTS, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import Deps
from controlplane.api.described import operation
from controlplane.api.once import once
from controlplane.api.paging import Page, page_of, read_page
from controlplane.api.views import answer, iso
from controlplane.api.views.answers import actor_view
from controlplane.api.views.workspace import (
    CandidatesView,
    CandidateView,
    NoticePage,
    NoticeView,
    PreviewView,
    TeamPage,
    TeamView,
    team_view,
)
from controlplane.commands.desk import refused
from controlplane.store.tables import Notice, Task, User
from controlplane.store.upsert import table_of

router = APIRouter(tags=["people"])

NOTICES, TASKS, USERS = table_of(Notice).c, table_of(Task).c, table_of(User).c
Handle = Annotated[str, Path(min_length=1, max_length=40, examples=["qa"])]
CANDIDATES = 8  # lines of the list behind an @


@router.get("/teams", **operation("team_list", PEOPLE_AND_AGENTS, TeamPage))
async def teams(caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """All teams with their members, by handle."""
    directory = await deps.commands.directory(caller.workspace_id)
    shown, next_cursor = page_of(directory.teams.values(), lambda team: (team.handle,), page)
    return answer(TeamPage(teams=[team_view(team) for team in shown], next_cursor=next_cursor))


@router.post("/teams", **operation("team_make", PEOPLE, TeamView))
async def make_team(body: bodies.NewTeam, caller: LiveCaller, command_id: CommandId, deps: Deps) -> Response:
    """Makes the team of that handle, or changes it to exactly these members."""

    async def act() -> Response:
        made = await deps.commands.make_team(caller.workspace_id, body.handle, body.name, body.members)
        return answer(team_view(made))

    return await once(deps, caller, command_id, act)


@router.put("/teams/{handle}/members", **operation("team_members", PEOPLE, TeamView, refuses=(ErrorCode.NOT_FOUND,)))
async def set_members(
    handle: Handle, body: bodies.Members, caller: LiveCaller, command_id: CommandId, deps: Deps
) -> Response:
    """The team has exactly these members from now on."""

    async def act() -> Response:
        return answer(team_view(await deps.commands.set_team_members(caller.workspace_id, handle, body.members)))

    return await once(deps, caller, command_id, act)


@router.get("/mentions", **operation("mention_candidates", EVERYBODY, CandidatesView))
async def mentions(
    caller: LiveCaller, deps: Deps, q: Annotated[str, Query(max_length=60, description="What follows the @.")] = ""
) -> Response:
    """Whom an `@` could mean: people, then teams, then agents; at most eight."""
    found = await deps.commands.mention_candidates(caller.workspace_id, q, CANDIDATES)
    views = [
        CandidateView(handle=one.handle, name=one.name, kind=one.kind, detail=one.detail)  # type: ignore[arg-type]  # the directory keeps it as a plain text
        for one in found
    ]
    return answer(CandidatesView(candidates=views))


@router.post("/mentions/preview", **operation("mention_preview", EVERYBODY, PreviewView))
async def preview(body: bodies.TextToPreview, caller: LiveCaller, deps: Deps) -> Response:
    """Who would hear of this text, before it is sent. It changes nothing."""
    found = await deps.commands.mention_preview(caller.workspace_id, body.text)
    return answer(
        PreviewView(
            people=[actor_view(one) for one in found.people],
            agents=[actor_view(one) for one in found.agents],
            teams=[team_view(team) for team in found.teams],
            unknown=list(found.unknown),
        )
    )


@router.get("/inbox", **operation("inbox", PEOPLE, NoticePage, refuses=(ErrorCode.NOT_FOUND,)))
async def inbox(
    caller: LiveCaller,
    deps: Deps,
    page: Page,
    user: Annotated[str, Query(min_length=1, max_length=200, description="A handle, an address, or an id.")],
) -> Response:
    """What waits for a person, oldest first. Items go by themselves when what they are about is settled."""
    async with deps.control.reading() as session:
        user_id = await _user_id(session, caller.workspace_id, user)
        query = (
            select(*NOTICES, TASKS.number, TASKS.title)
            .join(table_of(Task), TASKS.task_id == NOTICES.task_id)
            .where(NOTICES.user_id == user_id, NOTICES.resolved_at_ms.is_(None))
        )
        rows, next_cursor = await read_page(session, query, [NOTICES.created_at_ms, NOTICES.notice_id], page)
    return answer(NoticePage(notices=[_notice(row) for row in rows], next_cursor=next_cursor))


async def _user_id(session: AsyncSession, workspace_id: str, named: str) -> str:
    name = named.removeprefix("@").lower()
    is_it = or_(USERS.handle == name, USERS.email == name, USERS.user_id == named)
    found = await session.execute(select(USERS.user_id).where(USERS.workspace_id == workspace_id, is_it))
    user_id = found.scalars().first()
    if user_id is None:
        raise refused(ErrorCode.NOT_FOUND, f"Nobody here is called {named!r}.")
    return str(user_id)


def _notice(row: RowMapping) -> NoticeView:
    return NoticeView(
        notice_id=row["notice_id"],
        kind=row["kind"],
        text=row["text"],
        task_id=row["task_id"],
        ref=f"T-{row['number']}",
        title=row["title"],
        created_at=iso(row["created_at_ms"]),
        seen_at=iso(row["seen_at_ms"]),
    )
