"""`/tasks/{ref}/deliverables` and `/tasks/{ref}/late`: what a task has made, in every version, and how they differ."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pointsman.contract import API_PREFIX, ErrorCode

from controlplane.access.callers import Caller
from controlplane.api.callers import LiveCaller
from controlplane.api.contents import Served, serve_content
from controlplane.api.deps import ApiDeps, Deps
from controlplane.api.views import answer
from controlplane.api.views.deliverables import (
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

router = APIRouter(prefix="/tasks/{ref}")

Version = Annotated[int, Path(ge=1, le=2**31 - 1)]
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Against = Annotated[int | None, Query(ge=1, le=2**31 - 1)]
CONTENT = ["GET", "HEAD"]


@router.get("/deliverables")
async def list_versions(ref: str, caller: LiveCaller, deps: Deps) -> Response:
    """All versions, the first one first, each with its run, what that cost, and what reviewers said."""
    task, versions = await _versions(deps, caller, ref)
    return answer(DeliverablesAnswer(deliverables=[deliverable_answer(one, _url(task)) for one in versions]))


@router.get("/deliverables/{version}")
async def show_version(ref: str, version: Version, caller: LiveCaller, deps: Deps) -> Response:
    """What is known of one version."""
    task, versions = await _versions(deps, caller, ref)
    return answer(deliverable_answer(_chosen(task, versions, version), _url(task)))


@router.api_route("/deliverables/{version}/content", methods=CONTENT)
async def content(
    request: Request, ref: str, version: Version, caller: LiveCaller, deps: Deps, *, inline: bool = False
) -> Response:
    """The content itself, with `Range` and `If-None-Match`; `inline` shows images and text in place."""
    task, versions = await _versions(deps, caller, ref)
    found = _chosen(task, versions, version)
    served = Served(found.sha256, found.kind, found.name, found.media_type, f"{task.ref}-v{version}")
    return await serve_content(request, deps.blobs, served, inline=inline)


@router.get("/deliverables/{version}/diff")
async def diff(ref: str, version: Version, caller: LiveCaller, deps: Deps, against: Against = None) -> Response:
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


@router.get("/late")
async def list_late(ref: str, caller: LiveCaller, deps: Deps) -> Response:
    """What runs handed in after they had lost the task: kept aside, for a person to look at, adopt or discard."""
    task = await deps.commands.find_task(ref, caller.workspace_id)
    async with deps.control.reading() as session:
        late = await late_of(session, task.task_id)
    return answer(LateListAnswer(late=[late_answer(one, _url(task)) for one in late]))


@router.api_route("/late/{sha256}/content", methods=CONTENT)
async def late_content(
    request: Request, ref: str, sha256: Digest, caller: LiveCaller, deps: Deps, *, inline: bool = False
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
