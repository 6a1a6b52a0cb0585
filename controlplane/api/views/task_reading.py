"""From the states of tasks to their views."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.api.views.answers import ActorView, actor_view, iso
from controlplane.api.views.task_beside import NO_COSTS, NO_USAGE, Beside, read_beside
from controlplane.api.views.tasks import (
    ApprovalView,
    BlockerView,
    ClarificationView,
    HoldView,
    NeedsHumanView,
    QuestionView,
    ReviewView,
    RunView,
    TaskLink,
    TaskView,
    VersionView,
)
from controlplane.domain.choices import Choice, choices
from controlplane.domain.review_rules import missing_approvals, waits_for_first_pass
from controlplane.domain.state import Question, Run, TaskState, TaskStatus
from controlplane.projections.task import task_row

PATHS: Final = {"give_help": "help", "fail_task": "fail", "add_blockers": "blockers"}  # the others are named alike


async def task_views(session: AsyncSession, states: Sequence[TaskState], web_url: str) -> list[TaskView]:
    """One view for each state, in order."""
    beside = await read_beside(session, states)
    return [_task_view(state, beside, web_url) for state in states]


def _task_view(state: TaskState, beside: Beside, web_url: str) -> TaskView:
    usage, costs = beside.usage.get(state.task_id, (NO_USAGE, NO_COSTS))
    question, run = state.question, state.live_run
    return TaskView(
        task_id=state.task_id,
        ref=f"T-{state.number}",
        title=state.title,
        brief=state.brief,
        status=state.status,
        agent=beside.agents.get(str(task_row(state, "")["agent_id"])),
        needs=list(state.needs),
        priority=state.priority,
        project_id=state.project_id,
        parent=_link(state.parent_id, beside) if state.parent_id else None,
        subtasks=beside.subtasks.get(state.task_id),
        is_blocked=state.is_blocked,
        blockers=[
            BlockerView(task_id=task_id, ref=beside.refs.get(task_id, task_id), state=blocker)
            for task_id, blocker in state.blockers.items()
        ],
        holds=_holds(state),
        changes_requested=state.changes_requested,
        needs_human=_needs_human(state, beside),
        review=_review(state, beside),
        clarification=_clarification(state),
        question=_question(question) if question and question.is_open else None,
        upstream_changed=[_link(task_id, beside) for task_id in state.upstream_changed],
        avoids=[beside.agents.get(agent_id, agent_id) for agent_id in state.avoids],
        run=_run(run, beside) if run else None,
        checkpoint=beside.checkpoints.get(state.task_id),
        versions=_versions(state, beside),
        usage=usage,
        costs=costs,
        revision=state.revision,
        created_by=state.created_by.name or state.created_by.id,
        created_at=iso(state.created_at_ms),
        updated_at=iso(state.updated_at_ms),
        closed_at=iso(state.closed_at_ms),
        board_url=f"{web_url}/tasks/T-{state.number}",
    )


def _link(task_id: str, beside: Beside) -> TaskLink:
    return TaskLink(task_id=task_id, ref=beside.refs.get(task_id, task_id))


def _holds(state: TaskState) -> list[HoldView]:
    return [
        HoldView(kind=hold.kind, reason=hold.reason, by=hold.actor.name or hold.actor.id, at=iso(hold.at_ms))
        for hold in state.holds.values()
    ]


def _needs_human(state: TaskState, beside: Beside) -> NeedsHumanView | None:
    if not state.needs_human:
        return None
    offered = [path for choice in choices(state) for path in _paths(choice, beside)]
    return NeedsHumanView(reason=state.needs_human, cause=state.human_cause, choices=offered)


def _paths(choice: Choice, beside: Beside) -> list[str]:
    """Where below the task a choice is asked for; a blocker that is not waited for any more goes by DELETE."""
    if choice.verb == "remove_blocker":
        return [f"blockers/{beside.refs.get(task_id, task_id)}" for task_id in choice.task_ids]
    return [PATHS.get(choice.verb, choice.verb)]


def _review(state: TaskState, beside: Beside) -> ReviewView:
    rule = state.review
    approved = {one.reviewer.id for one in state.verdicts if one.verdict == "approve"}
    first = rule.first_pass
    return ReviewView(
        reviewers=[actor_view(one) for one in rule.reviewers],
        needed=rule.needed,
        first_pass=actor_view(first) if first else None,
        waits_for_first_pass=state.status is TaskStatus.IN_REVIEW and waits_for_first_pass(state),
        approvals=[
            ApprovalView(by=actor_view(one.reviewer), note=one.note, at=iso(one.at_ms))
            for one in state.verdicts
            if one.verdict == "approve"
        ],
        missing=missing_approvals(state),
        can_approve=_can_approve(state, approved),
        problem=beside.gate_problems.get(state.task_id),
    )


def _can_approve(state: TaskState, approved: set[str]) -> list[ActorView]:
    return [actor_view(one) for one in state.review.reviewers if one.id not in approved and one.id != state.author_id]


def _question(question: Question) -> QuestionView:
    return QuestionView(
        question_id=question.question_id,
        text=question.text,
        kind=question.kind,  # type: ignore[arg-type]  # the domain keeps it as a plain text
        choices=list(question.choices),
        form=question.form,
        asked_at=iso(question.asked_at_ms),
        expires_at=iso(question.expires_at_ms),
    )


def _clarification(state: TaskState) -> ClarificationView | None:
    asked = state.clarification
    if asked is None:
        return None
    return ClarificationView(
        version=asked.version, text=asked.text, asked_by=actor_view(asked.asked_by), asked_at=iso(asked.at_ms)
    )


def _run(run: Run, beside: Beside) -> RunView:
    return RunView(
        run_id=run.run_id,
        number=run.number,
        epoch=run.epoch,
        state=run.state,
        agent=beside.agents.get(run.agent_id, run.agent_id),
        started_at=iso(run.started_at_ms),
    )


def _versions(state: TaskState, beside: Beside) -> list[VersionView]:
    unknown = {"verdict": None, "note": "", "reviewed_by": None}
    return [
        VersionView(
            version=one.version,
            run_id=one.run_id,
            title=one.title,
            kind=one.kind,
            format=one.kind,
            name=one.name,
            media_type=one.media_type,
            language=one.language,
            sha256=one.sha256,
            size_bytes=one.size_bytes,
            submitted_at=iso(one.submitted_at_ms),
            **beside.verdicts.get((state.task_id, one.version), unknown),
        )
        for one in state.deliverables
    ]
