"""What freezing and thawing answer, whatever is frozen: a task with its parts, an agent, or everything."""

from typing import Protocol

from fastapi import Response

from controlplane.access.callers import Caller
from controlplane.api.deps import ApiDeps
from controlplane.api.once import once
from controlplane.api.views import answer
from controlplane.api.views.workspace import FrozenView
from controlplane.commands.freezes import Scope
from controlplane.domain.state import Actor


class Verb(Protocol):
    """`CommandService.freeze` or `CommandService.thaw`."""

    async def __call__(
        self, actor: Actor, command_id: str, scope: Scope, reference: str, reason: str, workspace_id: str
    ) -> list[str]: ...


async def act_on_freeze(
    deps: ApiDeps, caller: Caller, command_id: str, verb: Verb, scope: Scope, reference: str, reason: str
) -> Response:
    """The tasks that stand still, or go on."""

    async def act() -> Response:
        task_ids = await verb(caller.actor, command_id, scope, reference, reason, caller.workspace_id)
        return answer(FrozenView(task_ids=task_ids))

    return await once(deps, caller, command_id, act)
