"""`/tasks/{ref}/deliverables` and `/tasks/{ref}/late`: what a task has made, in every version, and how they differ."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pointsman.contract import API_PREFIX, ErrorCode

from controlplane.access.callers import Caller
from controlplane.api.callers import EVERYBODY, LiveCaller
from controlplane.api.contents import Served, serve_content
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.described import REQUEST_ID, operation
from controlplane.api.paging import Page, page_of
from controlplane.api.tasks import Ref
from controlplane.api.views import View, answer
from controlplane.api.views.deliverables import (
    DeliverableAnswer,
    DeliverablesAnswer,
    DiffAnswer,
    FieldChangeView,
    LateListAnswer,
    deliverable_answer,
    effort_view,
    late_answer,
    text_diff_view,
)
from controlplane.commands.desk import refused
from controlplane.commands.references import TaskReference
from controlplane.queries.deliverables import DeliverableView, deliverables_of, effort_between, late_of
from controlplane.queries.differences import difference_between

router = APIRouter(prefix="/tasks/{ref}", tags=["deliverables"])

Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Against = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
RAW = {
    "description": "The content.",
    "headers": {
        **REQUEST_ID,
        "etag": {"description": "Its SHA-256.", "required": True, "schema": {"type": "string"}, "example": '"9f86d0"'},
    },
    "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
}
RANGES = {
    200: RAW,
    206: {**RAW, "description": "The part of the content that `Range` asks for."},
    304: {"description": "It is what `If-None-Match` names.", "headers": REQUEST_ID},
    416: {"description": "There is no such part.", "headers": REQUEST_ID},
}


def read(operation_id: str, returns: type[View] | None, **more: Any) -> dict[str, Any]:
    """What everybody may read of a task that is there."""
    return operation(operation_id, EVERYBODY, returns, refuses=(ErrorCode.NOT_FOUND,), **more)


@router.get("/deliverables", **read("deliverable_list", DeliverablesAnswer))
async def list_versions(ref: Ref, caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """All versions, the first one first, each with its run, what that cost, and what reviewers said."""
    task, versions = await _versions(deps, caller, ref)
    shown, next_cursor = page_of(versions, lambda one: (one.version,), page)
    views = [deliverable_answer(one, _url(task)) for one in shown]
    return answer(DeliverablesAnswer(deliverables=views, next_cursor=next_cursor))


@router.get("/deliverables/{version}", **read("deliverable_show", DeliverableAnswer))
async def show_version(ref: Ref, version: Version, caller: LiveCaller, deps: Deps) -> Response:
    """What is known of one version."""
    task, versions = await _versions(deps, caller, ref)
    return answer(deliverable_answer(_chosen(task, versions, version), _url(task)))


@router.get("/deliverables/{version}/content", **read("deliverable_content", None, answers=RANGES))
@router.head("/deliverables/{version}/content", dependencies=[Depends(EVERYBODY)], include_in_schema=False)
async def content(
    request: Request, ref: Ref, version: Version, caller: LiveCaller, deps: Deps, *, inline: bool = False
) -> Response:
    """The content itself, with `Range` and `If-None-Match`; `inline` shows images and text in place."""
    task, versions = await _versions(deps, caller, ref)
    found = _chosen(task, versions, version)
    served = Served(found.sha256, found.kind, found.name, found.media_type, f"{task.ref}-v{version}")
    return await serve_content(request, deps.blobs, served, inline=inline)


@router.get("/deliverables/{version}/diff", **read("deliverable_diff", DiffAnswer))
async def diff(ref: Ref, version: Version, caller: LiveCaller, deps: Deps, against: Against = None) -> Response:
    """What changed since another version, by default the one before; with what the runs between them cost."""
    task, versions = await _versions(deps, caller, ref)
    right = _chosen(task, versions, version)
    left = _chosen(task, versions, version - 1 if against is None else against)
    difference = await difference_between(deps.blobs, left, right)
    async with deps.control.reading() as session:
        effort = await effort_between(session, task.task_id, left.run.number, right.run.number)
    return answer(
        DiffAnswer(
            version=right.version,
            against=left.version,
            is_same=difference.is_same,
            fields=[FieldChangeView(field=one.field, before=one.before, after=one.after) for one in difference.fields],
            text=None if difference.text is None else text_diff_view(difference.text),
            effort=effort_view(effort),
        )
    )


@router.get("/late", **read("late_list", LateListAnswer))
async def list_late(ref: Ref, caller: LiveCaller, deps: Deps, page: Page) -> Response:
    """What runs handed in after they had lost the task: kept aside, for a person to look at, adopt or discard."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    async with deps.control.reading() as session:
        late = await late_of(session, task.task_id)
    shown, next_cursor = page_of(late, lambda one: (one.submitted_at_ms, one.sha256, one.run.run_id), page)
    views = [late_answer(one, _url(task)) for one in shown]
    return answer(LateListAnswer(late=views, next_cursor=next_cursor))


@router.get("/late/{sha256}/content", **read("late_content", None, answers=RANGES))
@router.head("/late/{sha256}/content", dependencies=[Depends(EVERYBODY)], include_in_schema=False)
async def late_content(
    request: Request, ref: Ref, sha256: Digest, caller: LiveCaller, deps: Deps, *, inline: bool = False
) -> Response:
    """The content of late work."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    async with deps.control.reading() as session:
        found = next((one for one in await late_of(session, task.task_id) if one.sha256 == sha256), None)
    if found is None:
        raise refused(ErrorCode.NOT_FOUND, "There is no such late work on this task.")
    served = Served(found.sha256, found.kind, found.name, found.media_type, f"{task.ref}-late")
    return await serve_content(request, deps.blobs, served, inline=inline)


async def _versions(deps: ApiDeps, caller: Caller, ref: str) -> tuple[TaskReference, tuple[DeliverableView, ...]]:
    task = await deps.commands.find_task(ref, caller.workspace_id)
    async with deps.control.reading() as session:
        return task, await deliverables_of(session, task.task_id)


def _chosen(task: TaskReference, versions: tuple[DeliverableView, ...], version: int) -> DeliverableView:
    found = next((one for one in versions if one.version == version), None)
    if found is None:
        raise refused(ErrorCode.NOT_FOUND, f"{task.ref} has no version {version}.", version=version)
    return found


def _url(task: TaskReference) -> str:
    return f"{API_PREFIX}/tasks/{task.ref}"
