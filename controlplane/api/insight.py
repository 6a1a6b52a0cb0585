"""`/tasks/{ref}/…`: what a task cost, what it waits for, its parts, and what the next agent gets with it."""

from typing import Any

import msgspec
from fastapi import APIRouter, Response
from pointsman.contract import ErrorCode
from sqlalchemy import RowMapping, select

from controlplane.api.callers import EVERYBODY, LiveCaller
from controlplane.api.chain import chain_of
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.described import operation
from controlplane.api.paging import Page, read_page
from controlplane.api.tasks import TASKS, Ref
from controlplane.api.views import answer, iso, task_views
from controlplane.api.views.handoffs import costs_view, handoff_view
from controlplane.api.views.insight import (
    CallPage,
    CallView,
    ChainView,
    HandoffView,
    ReasonView,
    TaskCostsView,
    WhyView,
)
from controlplane.api.views.tasks import TaskPage
from controlplane.commands.desk import refused
from controlplane.domain.state import TaskState
from controlplane.queries.costs import costs_of_task
from controlplane.queries.handoff import handoff_of
from controlplane.queries.why import why_waiting
from controlplane.store.call_tables import Call
from controlplane.store.upsert import table_of

router = APIRouter(prefix="/tasks/{ref}", tags=["tasks"])

CALLS = table_of(Call).c
NS_IN_MS = 1_000_000
TIMES = ("started_at", "ended_at")
CALL_FIELDS = tuple(name for name in CallView.__struct_fields__ if name not in TIMES)


def read(operation_id: str, returns: Any) -> dict[str, Any]:
    """What everybody may read of a task that is there."""
    return operation(operation_id, EVERYBODY, returns, refuses=(ErrorCode.NOT_FOUND,))


@router.get("/calls", **read("task_calls", CallPage))
async def calls(ref: Ref, caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """Its model and tool calls, newest first."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    fields = (CALLS[name] for name in CALL_FIELDS)
    query = select(CALLS.started_at_ns, CALLS.ended_at_ns, *fields).where(CALLS.task_id == task.task_id)
    async with deps.calls.reading() as session:
        order = [CALLS.started_at_ns, CALLS.call_id]
        rows, next_cursor = await read_page(session, query, order, page, is_descending=True)
    return answer(CallPage(calls=[_call(row) for row in rows], next_cursor=next_cursor))


def _call(row: RowMapping) -> CallView:
    ended = row["ended_at_ns"]
    return CallView(
        **{name: row[name] for name in CALL_FIELDS},
        started_at=iso(row["started_at_ns"] // NS_IN_MS),
        ended_at=iso(ended // NS_IN_MS if ended else None),
    )


@router.get("/costs", **read("task_costs", TaskCostsView))
async def costs(ref: Ref, caller: LiveCaller, deps: Deps) -> Response:
    """What it has cost, and how much of that bought nothing."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    async with deps.control.reading() as session:
        return answer(costs_view(await costs_of_task(session, task.task_id)))


@router.get("/subtasks", **read("task_subtasks", TaskPage))
async def subtasks(ref: Ref, caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """Its direct parts, by number."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    query = select(TASKS.state_json, TASKS.number).where(TASKS.parent_id == task.task_id)
    async with deps.control.reading() as session:
        rows, next_cursor = await read_page(session, query, [TASKS.number], page)
        states = [msgspec.json.decode(row["state_json"], type=TaskState) for row in rows]
        views = await task_views(session, states, deps.settings.web_url)
    return answer(TaskPage(tasks=views, next_cursor=next_cursor))


@router.get("/chain", **read("task_chain", ChainView))
async def chain(ref: Ref, caller: LiveCaller, deps: Deps) -> Response:
    """Everything that it waits for, down to the tasks where the chain really stands still."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    async with deps.control.reading() as session:
        return answer(ChainView(links=await chain_of(session, task)))


@router.get("/handoff", **read("task_handoff", HandoffView))
async def handoff(ref: Ref, caller: LiveCaller, deps: Deps) -> Response:
    """What the next agent gets: goal, latest deliverable, decisions, open questions, last tool results, cost so far."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    return answer(await packet_of(deps, task.task_id))


async def packet_of(deps: ApiDeps, task_id: str) -> HandoffView:
    """The hand-off of a task. Raises CommandRefused(not_found)."""
    packet = await handoff_of(deps.control, deps.calls, deps.blobs, task_id)
    if packet is None:
        raise refused(ErrorCode.NOT_FOUND, "This task is just being made.", task=task_id)
    return handoff_view(packet)


@router.get("/why", **read("task_why", WhyView))
async def why(ref: Ref, caller: LiveCaller, deps: Deps) -> Response:
    """Why it isn't running: what it waits for, its place in the queue, who could take it and why others could not."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    async with deps.control.reading() as session:
        found = await why_waiting(session, caller.workspace_id, task.task_id, deps.clock.now_ms())
    reasons = [ReasonView(code=one.code, sentence=one.sentence, refs=list(one.refs)) for one in found or ()]
    return answer(WhyView(reasons=reasons))
