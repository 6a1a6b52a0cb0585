"""The example of a task, and of whom and what other examples name."""

from controlplane.api.views import tasks
from controlplane.api.views.answers import ActorView
from controlplane.domain.state import ActorKind, BlockerState, HoldKind, HumanCause, RunState, TaskStatus

AT, LATER = "2026-11-21T09:00:00.000Z", "2026-11-21T10:30:00.000Z"
TASK_ID, OTHER_ID = "t_01JD3Z6Y7QW4E0M2T8K5R9X1AB", "t_01JD3Z5B2MW4E0M2T8K5R9X1AB"
RUN_ID, AGENT_ID = "r_01JD3Z9C3TW4E0M2T8K5R9X1AB", "a_01JD3Z1A1AW4E0M2T8K5R9X1AB"
SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
NEXT = "WzQyXQ"
TEXT = "# Release notes\n\nNew: several may review one task."

ANNA = ActorView(kind=ActorKind.PERSON, id="u_01JD3Z0Z0ZW4E0M2T8K5R9X1AB", name="Anna")
CRITIC = ActorView(kind=ActorKind.AGENT, id="a_01JD3Z1B1BW4E0M2T8K5R9X1AB", name="critic")
OTHER = tasks.TaskLink(task_id=OTHER_ID, ref="T-11")

REVIEW = tasks.ReviewView(
    reviewers=[ANNA],
    needed=1,
    first_pass=CRITIC,
    waits_for_first_pass=False,
    approvals=[tasks.ApprovalView(by=CRITIC, note="The figures are right.", at=LATER)],
    missing=1,
    can_approve=[ANNA],
    problem=None,
)
TASK = tasks.TaskView(
    task_id=TASK_ID,
    ref="T-12",
    title="Write the release notes",
    brief="For 2.4, for people who run it.",
    status=TaskStatus.IN_PROGRESS,
    agent="drafty",
    needs=["writing"],
    priority=2,
    project_id="p_01JD3Z0A0AW4E0M2T8K5R9X1AB",
    parent=tasks.TaskLink(task_id="t_01JD3Z4A1LW4E0M2T8K5R9X1AB", ref="T-7"),
    subtasks=tasks.SubtasksView(total=3, done=2, closed=2),
    is_blocked=False,
    blockers=[tasks.BlockerView(task_id=OTHER_ID, ref="T-11", state=BlockerState.DONE)],
    holds=[tasks.HoldView(kind=HoldKind.OPERATOR, reason="Wait for the new logo.", by="Anna", at=LATER)],
    changes_requested=False,
    needs_human=tasks.NeedsHumanView(
        reason="3 runs failed in a row. Assign it, or edit it.",
        cause=HumanCause.FAILURES,
        choices=["help", "assign", "edit", "fail"],
    ),
    review=REVIEW,
    clarification=tasks.ClarificationView(version=1, text="For whom is it?", asked_by=ANNA, asked_at=LATER),
    question=tasks.QuestionView(
        question_id="q_1",
        text="Which tone?",
        kind="choice",
        choices=["calm", "bold"],
        form={},
        asked_at=LATER,
        expires_at="2026-11-21T11:30:00.000Z",
    ),
    upstream_changed=[OTHER],
    avoids=["sleepy"],
    run=tasks.RunView(run_id=RUN_ID, number=2, epoch=2, state=RunState.PAUSED, agent="drafty", started_at=LATER),
    checkpoint=tasks.CheckpointMark(run_id=RUN_ID, note="Three of five chapters.", size_bytes=512, at=LATER),
    versions=[
        tasks.VersionView(
            version=1,
            run_id=RUN_ID,
            title="Release notes 2.4",
            kind="markdown",
            format="markdown",
            name="",
            media_type="text/markdown",
            language="",
            sha256=SHA256,
            size_bytes=1804,
            submitted_at=LATER,
            verdict="request_changes",
            note="Shorter, please.",
            reviewed_by="Anna",
        )
    ],
    usage=tasks.UsageView(
        calls=14,
        tool_calls=3,
        errors=1,
        unknown_calls=0,
        input_tokens=48_000,
        cache_read_tokens=12_000,
        cache_write_tokens=2_000,
        output_tokens=6_000,
        cost_nano_usd=41_300_000,
        live_cost_nano_usd=0,
        live_calls=0,
        bound_nano_usd=0,
        is_simulated=False,
    ),
    costs=tasks.CostsView(total_nano_usd=41_300_000, wait_nano_usd=0, failed_nano_usd=9_100_000),
    revision=7,
    created_by="Anna",
    created_at=AT,
    updated_at=LATER,
    closed_at=None,
    board_url="http://127.0.0.1:8080/tasks/T-12",
)
