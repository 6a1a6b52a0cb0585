"""The JSON of tasks. Times are ISO 8601 in UTC, money is in nano-USD, agents are called by their names."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from fastapi import Response
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.commands.references import refs_of
from controlplane.domain.state import Run, TaskState
from controlplane.projections.task import task_row
from controlplane.store.tables import Agent, DeliverableRow, RunUsage
from controlplane.store.upsert import table_of

USAGE = (
    "calls",
    "tool_calls",
    "errors",
    "unknown_calls",
    "input_tokens",
    "cache_read_tokens",
    "cache_write_tokens",
    "output_tokens",
    "cost_nano_usd",
    "live_cost_nano_usd",
    "live_calls",
    "bound_nano_usd",
)


def answer(view: Any, status: int = 200) -> Response:
    """A view as an answer; msgspec writes it in microseconds."""
    return Response(msgspec.json.encode(view), status, media_type="application/json")


def iso(ms: int | None) -> str | None:
    """`2026-11-21T12:00:00.000Z`."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class _Beside:
    """What stands beside the states of some tasks, read in four queries for all of them."""

    refs: dict[str, str]
    agents: dict[str, str]
    usage: dict[str, dict[str, Any]]
    verdicts: dict[tuple[str, int], dict[str, Any]]


async def task_views(session: AsyncSession, states: Sequence[TaskState], web_url: str) -> list[dict[str, Any]]:
    """One view for each state, in order."""
    task_ids = [state.task_id for state in states]
    beside = _Beside(
        refs=await refs_of(session, sorted({blocker for state in states for blocker in state.blockers})),
        agents=await _agent_names(session, states),
        usage=await _usage(session, task_ids),
        verdicts=await _verdicts(session, task_ids),
    )
    return [_task_view(state, beside, web_url) for state in states]


async def _agent_names(session: AsyncSession, states: Sequence[TaskState]) -> dict[str, str]:
    columns = table_of(Agent).c
    wanted = {run.agent_id for state in states for run in state.runs} | {state.agent_id for state in states}
    rows = await session.execute(select(columns.agent_id, columns.name).where(columns.agent_id.in_(wanted - {None})))
    return {agent_id: name for agent_id, name in rows}  # noqa: C416 - dict(rows) loses the types


async def _usage(session: AsyncSession, task_ids: list[str]) -> dict[str, dict[str, Any]]:
    columns = table_of(RunUsage).c
    sums = [func.sum(columns[name]).label(name) for name in USAGE]
    is_simulated = func.max(columns.is_simulated).label("is_simulated")
    rows = await session.execute(
        select(columns.task_id, is_simulated, *sums).where(columns.task_id.in_(task_ids)).group_by(columns.task_id)
    )
    found = [dict(row) for row in rows.mappings()]
    return {row.pop("task_id"): {**row, "is_simulated": bool(row["is_simulated"])} for row in found}


async def _verdicts(session: AsyncSession, task_ids: list[str]) -> dict[tuple[str, int], dict[str, Any]]:
    columns = table_of(DeliverableRow).c
    rows = await session.execute(
        select(columns.task_id, columns.version, columns.verdict, columns.note, columns.reviewed_by).where(
            columns.task_id.in_(task_ids)
        )
    )
    return {
        (task_id, version): {"verdict": verdict, "note": note, "reviewed_by": reviewer or None}
        for task_id, version, verdict, note, reviewer in rows
    }


def _task_view(state: TaskState, beside: _Beside, web_url: str) -> dict[str, Any]:
    row = task_row(state, "")
    question = state.question
    run = state.live_run
    return {
        "task_id": state.task_id,
        "ref": f"T-{state.number}",
        "title": state.title,
        "brief": state.brief,
        "status": state.status,
        "agent": beside.agents.get(str(row["agent_id"])),
        "needs": state.needs,
        "priority": state.priority,
        "project_id": state.project_id,
        "is_blocked": state.is_blocked,
        "blockers": [
            {"task_id": task_id, "ref": beside.refs.get(task_id, task_id), "state": blocker}
            for task_id, blocker in state.blockers.items()
        ],
        "changes_requested": state.changes_requested,
        "needs_human": state.needs_human or None,
        "question": {
            "question_id": question.question_id,
            "text": question.text,
            "asked_at": iso(question.asked_at_ms),
        }
        if question and question.answer is None
        else None,
        "run": _run_view(run, beside.agents) if run else None,
        "versions": _version_views(state, beside),
        "usage": beside.usage.get(state.task_id, {**dict.fromkeys(USAGE, 0), "is_simulated": False}),
        "revision": state.revision,
        "created_by": state.created_by.name or state.created_by.id,
        "created_at": iso(state.created_at_ms),
        "updated_at": iso(state.updated_at_ms),
        "closed_at": iso(state.closed_at_ms),
        "board_url": f"{web_url}/tasks/T-{state.number}",
    }


def _run_view(run: Run, agents: dict[str, str]) -> dict[str, Any]:
    return {
        "run_id": run.run_id,
        "number": run.number,
        "epoch": run.epoch,
        "state": run.state,
        "agent": agents.get(run.agent_id, run.agent_id),
        "started_at": iso(run.started_at_ms),
    }


def _version_views(state: TaskState, beside: _Beside) -> list[dict[str, Any]]:
    unknown = {"verdict": None, "note": "", "reviewed_by": None}
    return [
        {
            "version": one.version,
            "run_id": one.run_id,
            "title": one.title,
            "format": one.kind,
            "sha256": one.sha256,
            "size_bytes": one.size_bytes,
            "submitted_at": iso(one.submitted_at_ms),
            **beside.verdicts.get((state.task_id, one.version), unknown),
        }
        for one in state.deliverables
    ]
