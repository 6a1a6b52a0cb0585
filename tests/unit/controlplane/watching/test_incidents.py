"""Many agents lost at once are one incident with one alarm; reviews that nobody gives are told of."""

import pytest
from sqlalchemy import select

from controlplane.access.agents import register_agent
from controlplane.access.callers import Caller
from controlplane.commands.reviews import ReviewWish
from controlplane.domain.commands import LoseRun, ReviewDeliverable
from controlplane.domain.state import Actor, ActorKind
from controlplane.domain.stuck import CallSeen, RunSeen, Thresholds, find_stuck
from controlplane.store.tables import Incident, Notice
from controlplane.store.upsert import table_of
from workers.incidents import WINDOW_MS, Loss, is_mass_loss, watch_losses
from workers.overdue import FIRST_PASS_MS, watch_reviews

SYSTEM = Actor(ActorKind.SYSTEM, "workers")


@pytest.mark.parametrize(
    ("lost", "at_work", "is_incident"),
    [(3, 100, True), (2, 6, True), (2, 7, False), (1, 1, False), (1, 3, False), (0, 5, False)],
)
def test_three_agents_or_two_that_are_a_third_make_an_incident(lost, at_work, is_incident):
    losses = [Loss(f"r_{n}", f"t_{n}", f"a_{n}", 0) for n in range(lost)]
    assert is_mass_loss(losses, at_work) is is_incident


def test_one_agent_that_loses_many_runs_is_no_incident():
    assert not is_mass_loss([Loss(f"r_{n}", f"t_{n}", "a_1", 0) for n in range(9)], 9)


async def lose(service, database, admin, clock, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        async with database.transaction() as session:
            agent = await register_agent(session, admin.workspace_id, f"agent {number}", 1)
        task = await service.create_task(admin.actor, f"create {number}", admin.workspace_id, None, f"task {number}",
                                         agent=agent.agent_id)  # fmt: skip
        claim = await service.claim_next(agent.agent_id, f"claim {number}")
        await service.send(SYSTEM, f"lose {number}", task.task_id, LoseRun(claim.run.run_id, 1, "silent"))


async def incidents(database) -> list[Incident]:
    async with database.reading() as session:
        return list((await session.execute(select(Incident))).scalars())


async def open_notices(database, kind: str) -> int:
    columns = table_of(Notice).c
    async with database.reading() as session:
        found = await session.execute(select(Notice).where(columns.kind == kind, columns.resolved_at_ms.is_(None)))
        return len(found.scalars().all())


async def test_the_loss_of_many_agents_is_one_incident_that_grows_quietly_and_ends(service, database, admin, clock):
    await lose(service, database, admin, clock, 3)
    assert await watch_losses(database, clock.ms + 1_000) == 1
    assert await watch_losses(database, clock.ms + 2_000) == 0
    await lose(service, database, admin, clock, 2, start=3)
    assert await watch_losses(database, clock.ms + 3_000) == 1
    (incident,) = await incidents(database)
    assert len(incident.subject_ids) == 5
    assert incident.text.startswith("5 agents fell silent")
    assert await open_notices(database, "incident") == 1
    assert await open_notices(database, "help") == 0
    assert await watch_losses(database, clock.ms + 2 * WINDOW_MS + 10_000) == 1
    (incident,) = await incidents(database)
    assert incident.ended_at_ms is not None
    assert await open_notices(database, "incident") == 0


async def in_review(service, database, admin, wish: ReviewWish | None = None) -> str:
    async with database.transaction() as session:
        agent = await register_agent(session, admin.workspace_id, "writer", 1)
        await register_agent(session, admin.workspace_id, "judge", 1)
    task = await service.create_task(admin.actor, "create", admin.workspace_id, None, "x", review=wish, agent="writer")
    claim = await service.claim_next(agent.agent_id, "claim")
    run = claim.run
    caller = Caller("run", run.run_id, admin.workspace_id, "writer", agent.agent_id, run.run_id, task.task_id, 1)
    await service.submit(caller, b"text")
    return task.task_id


async def test_a_review_that_nobody_gives_is_escalated_until_it_is_given(service, database, admin, clock):
    task_id = await in_review(service, database, admin)
    assert await watch_reviews(database, 3_600_000, clock.ms + 3_599_000) == 0
    assert await watch_reviews(database, 3_600_000, clock.ms + 3_601_000) == 1
    assert await watch_reviews(database, 3_600_000, clock.ms + 3_602_000) == 0
    await service.execute(admin.actor, "yes", task_id, ReviewDeliverable(1, "approve"))
    assert await watch_reviews(database, 3_600_000, clock.ms + 3_603_000) == 1
    assert await open_notices(database, "overdue") == 0


async def test_a_first_look_that_does_not_come_is_told_of_sooner(service, database, admin, clock):
    await in_review(service, database, admin, ReviewWish(first_pass="judge"))
    assert await watch_reviews(database, 86_400_000, clock.ms + FIRST_PASS_MS - 1) == 0
    assert await watch_reviews(database, 86_400_000, clock.ms + FIRST_PASS_MS) == 1


LAST_WORD = CallSeen("c_1", "model", "f", "d", "", "m", 1_000, 5, stop_reason="end_turn")


@pytest.mark.parametrize(
    ("run", "is_found"),
    [
        (RunSeen(False, 0, None, 1_000, 0, (LAST_WORD,)), True),
        (RunSeen(True, 0, None, 1_000, 0, (LAST_WORD,)), False),
        (RunSeen(False, 0, None, 1_000, 1, (LAST_WORD,)), False),
        (RunSeen(False, 0, 60_000, 1_000, 0, (LAST_WORD,)), False),
    ],
    ids=["silent after its last word", "waits for a person", "calls again", "said something since"],
)
def test_an_agent_that_finished_but_handed_nothing_in_is_told_apart_from_a_silent_one(run, is_found):
    finding = find_stuck(run, Thresholds(3, 180_000), now_ms=122_000)
    assert (finding is not None) is is_found
    if finding:
        assert finding.evidence["detector"] == "finished"
        assert finding.reason == "Seems finished, but nothing was handed in for more than 2 min"
