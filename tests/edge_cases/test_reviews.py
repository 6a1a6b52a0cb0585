"""Rows of the table: reviewer rejects three times, reviewer is the author or away, mention loop between agents."""

from pointsman.contract import ErrorCode

from controlplane.commands.reviews import ReviewWish
from controlplane.domain.choices import choices
from controlplane.domain.commands import ReviewDeliverable
from controlplane.domain.state import HumanCause, TaskStatus
from controlplane.queries.deliverables import deliverables_of
from controlplane.queries.differences import difference_between
from controlplane.store.tables import RunUsage
from tests.edge_cases.team import Team
from workers.overdue import watch_reviews

HOUR_MS = 3_600_000


async def test_a_reviewer_rejects_three_times_then_a_person_is_asked_to_reassign_clarify_or_stop_and_sees_all_versions(
    team: Team,
):
    task = await team.task()
    for version in (1, 2, 3):
        caller = await team.begin("writer")
        usage = {"workspace_id": team.admin.workspace_id, "task_id": task.task_id, "cost_nano_usd": version * 1_000}
        async with team.database.transaction() as session:
            session.add(RunUsage(run_id=caller.run_id, **usage))
        await team.service.submit(caller, f"draft {version}".encode())
        state = await team.say(task.task_id, ReviewDeliverable(version, "request_changes", "Shorter"))
    assert (state.status, state.human_cause) == (TaskStatus.IN_PROGRESS, HumanCause.REJECTIONS)
    assert await team.claim("writer") is None
    assert [text for _, text in await team.notices("help")] == [
        "Sent back 3 times in a row. Reassign it, clarify the brief, or stop it."
    ]
    assert {"assign", "edit", "fail_task"} <= {choice.verb for choice in choices(state)}
    assert [one.version for one in state.deliverables] == [1, 2, 3]
    async with team.database.reading() as session:
        versions = await deliverables_of(session, task.task_id)
    assert [(one.version, one.run.cost_nano_usd) for one in versions] == [(1, 1_000), (2, 2_000), (3, 3_000)]
    difference = await difference_between(team.service.blobs, versions[0], versions[2])
    assert not difference.is_same


async def test_a_reviewer_that_is_the_author_is_left_out_and_a_gate_that_nobody_can_pass_says_so_at_once(team: Team):
    task = await team.task(review=ReviewWish(("writer",), "all"))
    await team.service.submit(await team.begin("writer"), b"mine")
    own = await team.is_refused(task.task_id, ReviewDeliverable(1, "approve"), team.agent("writer"))
    assert (own.code, own.message) == (ErrorCode.FORBIDDEN, "Nobody reviews what they made themselves.")
    sentence = "Nobody can finish this review: 1 must approve, but writer made it. Change its reviewers."
    assert (await team.row(task.task_id)).review_problem == sentence
    assert [text for _, text in await team.notices("gate")] == [sentence]
    await team.service.set_review(team.admin.actor, "fix", task.task_id, ReviewWish(("@admin",)))
    assert await team.notices("gate") == []


async def test_a_review_that_its_reviewer_does_not_give_is_told_to_others_in_time(team: Team):
    anna = await team.invite("Anna")
    task = await team.task(review=ReviewWish(("@anna",)))
    await team.service.submit(await team.begin("writer"), b"text")
    assert await watch_reviews(team.database, HOUR_MS, team.clock.ms + HOUR_MS - 1_000) == 0
    assert await watch_reviews(team.database, HOUR_MS, team.clock.ms + HOUR_MS + 1_000) > 0
    assert team.admin.user_id in {user_id for user_id, _ in await team.notices("overdue")}
    await team.say(task.task_id, ReviewDeliverable(1, "approve"), anna)
    await watch_reviews(team.database, HOUR_MS, team.clock.ms + HOUR_MS + 2_000)
    assert await team.notices("overdue") == []


async def test_a_mention_loop_between_agents_only_leaves_notes_and_wakes_nobody(team: Team):
    task = await team.task(agent="writer")
    for turn in range(6):
        speaker, other = ("writer", "second") if turn % 2 else ("second", "writer")
        await team.service.comment(team.agent(speaker), team.command_id(), task.task_id, f"@{other} your turn")
    assert {name: len(await team.service.notes(team.agent(name).id)) for name in ("writer", "second")} == {
        "writer": 3,
        "second": 3,
    }
    assert (team.state(task.task_id).run_count, await team.claim("second")) == (0, None)
    assert await team.notices() == []
    await team.service.comment(team.agent("writer"), team.command_id(), task.task_id, "@admin please decide")
    assert [text for _, text in await team.notices("mention")] == ["writer: @admin please decide"]
