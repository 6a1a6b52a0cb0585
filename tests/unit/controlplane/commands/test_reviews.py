"""Reviews by several, late work, questions with a form, checkpoints, hand-off: what needs more than the task itself."""

import pytest
from pointsman.contract import ErrorCode, KeyKind
from sqlalchemy import select, update

from controlplane.access.agents import register_agent
from controlplane.access.callers import Caller
from controlplane.commands import CommandRefused
from controlplane.commands.reviews import ReviewWish
from controlplane.domain.commands import LoseRun, RestartRun, ReviewDeliverable
from controlplane.domain.state import Actor, ActorKind, RunState, TaskStatus
from controlplane.queries.handoff import handoff_of
from controlplane.store.database import open_calls
from controlplane.store.tables import Agent, AgentNote, Notice, Task, User
from controlplane.store.upsert import table_of

SYSTEM = Actor(ActorKind.SYSTEM, "workers")


@pytest.fixture
async def agents(database, admin) -> dict[str, Agent]:
    async with database.transaction() as session:
        return {name: await register_agent(session, admin.workspace_id, name, 1) for name in ("drafty", "judge")}


@pytest.fixture
async def anna(database, admin) -> Actor:
    async with database.transaction() as session:
        session.add(
            User(user_id="u_anna", workspace_id=admin.workspace_id, email="a@x", name="Anna", handle="anna",
                 created_at_ms=1)
        )  # fmt: skip
    return Actor(ActorKind.PERSON, "u_anna", "Anna")


async def create(service, admin, **options):
    return await service.create_task(admin.actor, "create", admin.workspace_id, None, "Write it", **options)


def caller_of(claim, admin) -> Caller:
    run = claim.run
    return Caller(
        KeyKind.RUN, run.run_id, admin.workspace_id, "drafty", run.agent_id, run.run_id, claim.state.task_id, run.epoch
    )


async def submitted(service, admin, agents, content: bytes = b"text", **options):
    state = await create(service, admin, **options)
    claim = await service.claim_next(agents["drafty"].agent_id, "claim")
    await service.submit(caller_of(claim, admin), content)
    return state


async def open_notices(database) -> set[tuple[str, str]]:
    async with database.reading() as session:
        found = await session.execute(select(Notice).where(table_of(Notice).c.resolved_at_ms.is_(None)))
        return {(notice.kind, notice.user_id) for notice in found.scalars()}


async def test_all_reviewers_of_a_team_must_approve_and_only_they_are_called(service, database, admin, anna, agents):
    await service.make_team(admin.workspace_id, "qa", "QA", ["@anna", "@admin"])
    state = await submitted(service, admin, agents, review=ReviewWish(("@qa",), "all"))
    assert await open_notices(database) == {("review", "u_anna"), ("review", admin.user_id)}
    state = await service.execute(anna, "yes", state.task_id, ReviewDeliverable(1, "approve"))
    assert state.status is TaskStatus.IN_REVIEW
    assert await open_notices(database) == {("review", admin.user_id)}
    state = await service.execute(admin.actor, "yes too", state.task_id, ReviewDeliverable(1, "approve"))
    assert state.status is TaskStatus.DONE


async def test_an_agent_looks_first_and_people_are_called_after_its_yes(service, database, admin, agents):
    state = await submitted(service, admin, agents, review=ReviewWish(first_pass="judge"))
    assert await open_notices(database) == set()
    judge = Actor(ActorKind.AGENT, agents["judge"].agent_id, "judge")
    assert [note.kind for note in await service.notes(judge.id)] == ["review"]
    state = await service.execute(judge, "yes", state.task_id, ReviewDeliverable(1, "approve"))
    assert state.status is TaskStatus.IN_REVIEW
    assert await open_notices(database) == {("review", admin.user_id)}
    assert await service.notes(judge.id) == []


async def test_nobody_reviews_what_they_made_themselves(service, admin, agents):
    state = await submitted(service, admin, agents, review=ReviewWish(("drafty", "judge"), "any"))
    author = Actor(ActorKind.AGENT, agents["drafty"].agent_id, "drafty")
    with pytest.raises(CommandRefused, match="themselves"):
        await service.execute(author, "mine", state.task_id, ReviewDeliverable(1, "approve"))


async def test_a_gate_that_nobody_can_pass_says_so_at_once(service, database, admin, agents):
    state = await submitted(service, admin, agents, review=ReviewWish(("drafty",), "all"))
    async with database.reading() as session:
        problem = (await session.execute(select(table_of(Task).c.review_problem))).scalar_one()
    assert problem.startswith("Nobody can finish this review: 1 must approve, but drafty made it.")
    assert ("gate", admin.user_id) in await open_notices(database)
    await service.set_review(admin.actor, "fix", state.task_id, ReviewWish(("judge",)))
    assert ("gate", admin.user_id) not in await open_notices(database)


async def test_a_question_of_the_reviewer_waits_for_the_author_until_the_next_verdict(service, admin, agents):
    state = await submitted(service, admin, agents)
    await service.execute(admin.actor, "ask", state.task_id, ReviewDeliverable(1, "ask", "Why so long?"))
    notes = await service.notes(agents["drafty"].agent_id)
    assert [(note.kind, note.text) for note in notes] == [("clarification", "Why so long?")]
    await service.execute(admin.actor, "yes", state.task_id, ReviewDeliverable(1, "approve"))
    assert await service.notes(agents["drafty"].agent_id) == []


async def test_late_work_is_kept_aside_and_can_be_adopted(service, database, admin, agents):
    state = await create(service, admin)
    late = caller_of(await service.claim_next(agents["drafty"].agent_id, "claim"), admin)
    await service.assign(admin.actor, "away", state.task_id, "judge")
    now_held = await service.claim_next(agents["judge"].agent_id, "claim too")
    with pytest.raises(CommandRefused) as no:
        await service.submit(late, b"too late", title="Late")
    assert no.value.refusal.code is ErrorCode.LEASE_LOST
    sha256 = await service.blobs.put(b"too late")
    state = await service.adopt_late(admin.actor, "adopt", state.task_id, late.run_id, sha256)
    assert state.status is TaskStatus.IN_REVIEW
    assert [run.state for run in state.runs] == [RunState.SUBMITTED, RunState.SUPERSEDED]
    assert now_held.run.run_id == state.runs[-1].run_id


async def test_a_lost_run_that_nobody_replaced_goes_on_or_hands_in(service, admin, agents):
    state = await create(service, admin)
    caller = caller_of(await service.claim_next(agents["drafty"].agent_id, "claim"), admin)
    await service.send(SYSTEM, "lose", state.task_id, LoseRun(caller.run_id, 1, "silent"))
    assert await service.resume_run(caller)
    await service.send(SYSTEM, "lose again", state.task_id, LoseRun(caller.run_id, 1, "silent"))
    assert await service.submit(caller, b"done after all") == 1


async def test_a_form_is_answered_by_what_fits_its_schema(service, admin, agents):
    state = await create(service, admin)
    caller = caller_of(await service.claim_next(agents["drafty"].agent_id, "claim"), admin)
    form = {"type": "object", "properties": {"words": {"type": "integer"}}, "required": ["words"]}
    await service.ask(caller, "ask", "How long?", kind="form", form=form)
    with pytest.raises(CommandRefused, match="words"):
        await service.answer(admin.actor, "wrong", state.task_id, value={"words": "many"})
    state = await service.answer(admin.actor, "right", state.task_id, value={"words": 300})
    assert state.question.answer == {"words": 300}


async def test_a_form_that_is_no_schema_is_refused(service, admin, agents):
    await create(service, admin)
    caller = caller_of(await service.claim_next(agents["drafty"].agent_id, "claim"), admin)
    with pytest.raises(CommandRefused, match="JSON Schema"):
        await service.ask(caller, "ask", "?", kind="form", form={"type": "object", "properties": 3})


async def test_the_next_agent_gets_goal_decisions_checkpoint_and_costs(service, settings, database, admin, agents):
    state = await create(service, admin, brief="For people in a hurry.")
    caller = caller_of(await service.claim_next(agents["drafty"].agent_id, "claim"), admin)
    await service.checkpoint(caller, b'{"page": 3}', "page 3")
    await service.ask(caller, "ask", "Which tone?", kind="choice", choices=("calm", "loud"))
    await service.answer(admin.actor, "say", state.task_id, value="calm")
    await service.assign(admin.actor, "pass on", state.task_id, "judge", reason="too slow")
    calls = open_calls(settings)
    try:
        packet = await handoff_of(database, calls, service.blobs, state.task_id)
    finally:
        await calls.close()
    assert (packet.goal, packet.brief) == ("Write it", "For people in a hurry.")
    assert [(one.asked, one.said) for one in packet.decisions] == [("Which tone?", "calm")]
    assert packet.checkpoint.note == "page 3"
    assert [(one.agent, one.state) for one in packet.earlier] == [("drafty", "superseded")]


async def test_a_restart_from_nothing_forgets_the_checkpoint(service, settings, database, admin, agents):
    state = await create(service, admin)
    caller = caller_of(await service.claim_next(agents["drafty"].agent_id, "claim"), admin)
    await service.checkpoint(caller, b"{}")
    await service.execute(admin.actor, "again", state.task_id, RestartRun(from_checkpoint=False))
    calls = open_calls(settings)
    try:
        assert (await handoff_of(database, calls, service.blobs, state.task_id)).checkpoint is None
    finally:
        await calls.close()
    with pytest.raises(CommandRefused) as no:
        await service.checkpoint(caller, b"from beyond")
    assert no.value.refusal.code is ErrorCode.LEASE_LOST


async def test_mentions_reach_people_teams_and_agents_once_but_never_the_one_who_writes(
    service, database, admin, anna, agents
):
    await service.make_team(admin.workspace_id, "qa", "QA", ["@anna", "@admin", "judge"])
    state = await create(service, admin)
    meant = await service.mention_preview(admin.workspace_id, "@qa and @anna: see @drafty, not @nobody")
    assert {one.name for one in meant.people} == {"Anna", "Admin"}
    assert {one.name for one in meant.agents} == {"judge", "drafty"}
    assert meant.unknown == ("nobody",)
    await service.comment(admin.actor, "say", state.task_id, "@qa and @anna: see @drafty, not @nobody")
    assert await open_notices(database) == {("mention", "u_anna")}
    async with database.reading() as session:
        notes = (await session.execute(select(AgentNote))).scalars().all()
    assert {note.agent_id for note in notes} == {agents["judge"].agent_id, agents["drafty"].agent_id}
    offered = await service.mention_candidates(admin.workspace_id, "@d")
    assert [(one.handle, one.kind) for one in offered] == [("drafty", "agent")]


async def test_an_agent_at_its_own_limit_gets_no_more_however_much_it_asks_for(service, database, admin, agents):
    agent_id = agents["drafty"].agent_id
    await service.edit_agent(admin.workspace_id, "drafty", max_concurrency=1)
    for title in ("one", "two"):
        await service.create_task(admin.actor, title, admin.workspace_id, None, title)
    assert await service.claim_next(agent_id, "a", concurrency=5) is not None
    assert await service.claim_next(agent_id, "b", concurrency=5) is None
    async with database.transaction() as session:
        await session.execute(update(table_of(Agent)).values(retired_at_ms=5, max_concurrency=0))
    assert await service.claim_next(agent_id, "c", concurrency=5) is None
