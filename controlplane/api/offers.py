"""`/agents/me/next`: an agent waits for work, and gets a task with everything its run needs."""

from fastapi import APIRouter, Request, Response
from pointsman.contract import ErrorCode
from sqlalchemy import select

from controlplane.access.agents import register_agent
from controlplane.access.callers import Caller
from controlplane.api.agents import checked_name
from controlplane.api.bodies import runs as bodies
from controlplane.api.callers import AGENTS, LiveCaller
from controlplane.api.commanding import CommandId
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.described import REQUEST_ID, operation
from controlplane.api.views import answer, iso, task_views
from controlplane.api.views.runs import GrantView, OfferView, SaidHereView
from controlplane.api.waiting import wait_for
from controlplane.commands import Claim, CommandRefused
from controlplane.commands.contents import words_of
from controlplane.commands.desk import refused
from controlplane.commands.runs import see_agent
from controlplane.domain.commands import ReleaseRun
from controlplane.feed.changes import Change
from controlplane.ports import EngineUnavailable
from controlplane.store.tables import Comment
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/agents/me", tags=["runs"])

COMMENTS = 100  # the latest of a task, which a run is given


NOTHING = {204: {"description": "Nothing to do within the time.", "headers": REQUEST_ID}}


@router.post("/next", **operation("agent_next", AGENTS, OfferView, answers=NOTHING))
async def next_task(
    body: bodies.Next, request: Request, caller: LiveCaller, command_id: CommandId, deps: Deps
) -> Response:
    """A claimed task, at once or when one becomes ready within the time; else 204."""
    agent_id = await _enter(body, caller, deps)

    has_looked = False  # the first look also finds what an earlier try of this request claimed

    async def look() -> Claim | None:
        nonlocal has_looked
        if await request.is_disconnected():
            return None
        if has_looked and not await deps.openings.any_for(caller.workspace_id, agent_id):
            return None
        has_looked = True
        return await deps.commands.claim_next(agent_id, command_id, concurrency=body.concurrency)

    def concerns(change: Change) -> bool:
        return change.workspace_id == caller.workspace_id and change.topic in {"task", "agent"}

    claim = await wait_for(deps.feed, body.wait_seconds, look, concerns)
    if claim is None:
        return Response(status_code=204)
    if await request.is_disconnected():
        await _give_back(deps, caller, command_id, claim)
        return Response(status_code=204)
    return answer(await _offer(deps, claim))


async def _enter(body: bodies.Next, caller: Caller, deps: ApiDeps) -> str:
    """The agent is here, and able to do this."""
    agent_id = caller.agent_id or ""
    if body.name is not None and checked_name(body.name) != caller.name:
        raise refused(ErrorCode.FORBIDDEN, f"This key belongs to agent {caller.name!r}, not {body.name!r}.")
    now_ms = deps.clock.now_ms()
    async with deps.control.transaction() as session:
        if body.capabilities:
            await register_agent(
                session, caller.workspace_id, caller.name, now_ms, capabilities=list(body.capabilities)
            )
        await see_agent(session, agent_id, now_ms)
    return agent_id


async def _give_back(deps: ApiDeps, caller: Caller, command_id: str, claim: Claim) -> None:
    """Nobody listens any more. Should this fail, the lease ends by itself."""
    release = ReleaseRun(claim.run.run_id, claim.run.epoch, "the agent hung up while the task was handed over")
    try:
        await deps.commands.send(caller.actor, f"{command_id}/hung-up", claim.state.task_id, release)
    except (CommandRefused, EngineUnavailable):
        return


async def _offer(deps: ApiDeps, claim: Claim) -> OfferView:
    state, run = claim.state, claim.run
    review = state.last_review
    async with deps.control.reading() as session:
        (task,) = await task_views(session, [state], deps.settings.web_url)
        comments = table_of(Comment).c
        latest = await session.execute(
            select(comments.author_name, comments.text, comments.at_ms)
            .where(comments.task_id == state.task_id)
            .order_by(comments.at_ms.desc())
            .limit(COMMENTS)
        )
    return OfferView(
        task=task,
        run=GrantView(
            run_id=run.run_id,
            number=run.number,
            epoch=run.epoch,
            key=claim.key,
            lease_ttl_seconds=deps.settings.lease_ttl_seconds,
            beat_seconds=deps.settings.beat_seconds,
        ),
        gateway_url=deps.settings.proxy_url,
        review_note=review.note if review and review.verdict == "request_changes" else None,
        previous_version_text=await _previous_version(deps, claim),
        comments=[
            SaidHereView(author=author, text=text, created_at=iso(at_ms)) for author, text, at_ms in latest.all()[::-1]
        ],
    )


async def _previous_version(deps: ApiDeps, claim: Claim) -> str | None:
    made = claim.state.deliverables
    return await words_of(deps.blobs, made[-1]) if made else None
