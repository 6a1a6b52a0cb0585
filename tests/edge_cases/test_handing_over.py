"""Rows of the table: reassign while running, deliverable after a stale lease, deletion of an agent with open runs."""

import pytest
from pointsman.contract import derive_run_key, digest
from sqlalchemy import select

from controlplane.commands import CommandRefused
from controlplane.domain.commands import AnswerQuestion
from controlplane.domain.state import RunState, TaskStatus
from controlplane.store.tables import LateDeliverable
from tests.edge_cases.team import Team, is_lease_lost


async def test_reassign_while_running_kills_the_old_key_first_and_gives_the_new_run_a_hand_off_packet(team: Team):
    task = await team.task(brief="For people in a hurry.")
    old = await team.begin("writer")
    key = digest(derive_run_key(team.service.master_key, old.run_id or "", old.epoch))
    await team.service.checkpoint(old, b"{}", "page 3")
    question_id = await team.service.ask(old, team.command_id(), "Which tone?")
    await team.say(task.task_id, AnswerQuestion(question_id, "Calm."))
    with team.gateway() as policy:
        assert policy.current().principals[key].state == "live"
        await team.service.assign(team.admin.actor, team.command_id(), task.task_id, "second", reason="too slow")
        policy.look()
        refused = policy.current().principals[key]
    assert (refused.state, refused.reason) == (
        "revoked",
        "it was superseded by a newer run (reassigned by Admin: too slow)",
    )

    new = await team.begin("second")
    assert new.epoch == old.epoch + 1
    packet = await team.handoff(task.task_id)
    assert (packet.goal, packet.brief) == ("Write it", "For people in a hurry.")
    assert [(one.asked, one.said, one.by) for one in packet.decisions] == [("Which tone?", "Calm.", "Admin")]
    assert packet.checkpoint is not None
    assert packet.checkpoint.note == "page 3"
    assert [(one.agent, one.state) for one in packet.earlier] == [("writer", "superseded")]


async def test_a_deliverable_after_a_stale_lease_is_refused_to_the_agent_kept_aside_and_can_be_adopted(team: Team):
    task = await team.task()
    late = await team.begin("writer")
    await team.service.assign(team.admin.actor, team.command_id(), task.task_id, "second")
    await team.begin("second")
    with pytest.raises(CommandRefused) as no:
        await team.service.submit(late, b"too late, but good")
    assert is_lease_lost(no.value)
    assert no.value.refusal.detail["current_agent_id"] == team.agents["second"].agent_id
    assert no.value.refusal.detail["your_run_state"] == RunState.SUPERSEDED
    async with team.database.reading() as session:
        (aside,) = (await session.execute(select(LateDeliverable))).scalars().all()
    assert await team.service.blobs.get(aside.sha256) == b"too late, but good"

    adopt = (team.admin.actor, team.command_id(), task.task_id, late.run_id or "", aside.sha256)
    state = await team.service.adopt_late(*adopt)
    assert state.status is TaskStatus.IN_REVIEW
    assert (state.deliverables[-1].run_id, state.author_id) == (late.run_id, team.agents["writer"].agent_id)
    assert state.live_run is None


async def test_an_agent_deleted_with_open_runs_drains_it_finishes_what_it_holds_and_takes_no_more(team: Team):
    task = await team.task()
    holding = await team.begin("writer")
    await team.task("another one")
    await team.service.retire_agent(team.admin.actor, "writer", team.admin.workspace_id)
    assert await team.claim("writer", concurrency=5) is None
    assert await team.service.submit(holding, b"my last one") == 1
    assert team.state(task.task_id).author_id == team.agents["writer"].agent_id
    reasons = await team.why(next(task_id for task_id, one in team.engine.tasks.items() if one.is_claimable))
    assert "writer has been retired." in [reason.sentence for reason in reasons]
