"""What can be asked of a task, in the imperative."""

import msgspec

from controlplane.domain.state import Actor, TaskStatus


class _Command(msgspec.Struct, frozen=True, tag_field="kind", forbid_unknown_fields=True):
    """Base of all commands: the JSON field `kind` names which."""


class CreateTask(_Command, tag="create", frozen=True):
    task_id: str
    workspace_id: str
    project_id: str
    number: int
    title: str
    brief: str = ""
    needs: tuple[str, ...] = ()
    priority: int = 3
    agent_id: str | None = None
    blockers: tuple[str, ...] = ()
    to_backlog: bool = False


class EditTask(_Command, tag="edit", frozen=True):
    title: str | None = None
    brief: str | None = None
    needs: tuple[str, ...] | None = None
    priority: int | None = None


class MoveTask(_Command, tag="move", frozen=True):
    """Between backlog and ready, or back to ready out of an agent's hands (its run ends as cancelled)."""

    to: TaskStatus


class AssignTask(_Command, tag="assign", frozen=True):
    """To an agent, or to nobody. A live run of another agent is superseded: its key dies with its epoch."""

    agent_id: str | None = None


class ClaimTask(_Command, tag="claim", frozen=True):
    """By an agent that takes a ready task: a new run, a new epoch."""

    agent_id: str
    run_id: str


class ReleaseRun(_Command, tag="release", frozen=True):
    """An agent gives its task back, which is not a failure."""

    run_id: str
    epoch: int
    reason: str = ""


class FailRun(_Command, tag="fail_run", frozen=True):
    """An agent (or the SDK for it) says that this attempt failed."""

    run_id: str
    epoch: int
    reason: str  # not_submitted | exception | budget | …
    message: str = ""


class LoseRun(_Command, tag="lose_run", frozen=True):
    """The system found no sign of life within TTL and grace; see `workers/activities/lease.py`."""

    run_id: str
    epoch: int
    message: str = ""


class SubmitDeliverable(_Command, tag="submit", frozen=True):
    run_id: str
    epoch: int
    sha256: str
    size_bytes: int
    format: str = "markdown"
    title: str = ""


class ReviewDeliverable(_Command, tag="review", frozen=True):
    version: int
    verdict: str  # approve | request_changes
    note: str = ""


class AskQuestion(_Command, tag="ask", frozen=True):
    run_id: str
    epoch: int
    question_id: str
    text: str


class AnswerQuestion(_Command, tag="answer", frozen=True):
    question_id: str
    text: str


class AddBlockers(_Command, tag="add_blockers", frozen=True):
    """The API has checked for cycles under a lock; the task refuses only itself and too many."""

    task_ids: tuple[str, ...]


class RemoveBlocker(_Command, tag="remove_blocker", frozen=True):
    task_id: str


class ResolveBlocker(_Command, tag="resolve_blocker", frozen=True):
    """A blocking task closed, or was reopened. Said by the blocker, and again by the reconciler: idempotent."""

    task_id: str
    outcome: str  # a BlockerState


class CancelTask(_Command, tag="cancel", frozen=True):
    reason: str = ""


Command = (
    CreateTask
    | EditTask
    | MoveTask
    | AssignTask
    | ClaimTask
    | ReleaseRun
    | FailRun
    | LoseRun
    | SubmitDeliverable
    | ReviewDeliverable
    | AskQuestion
    | AnswerQuestion
    | AddBlockers
    | RemoveBlocker
    | ResolveBlocker
    | CancelTask
)


CONTENT_MARK = "~"


class Envelope(msgspec.Struct, frozen=True):
    """A command on its way: who asks, when our server heard it, and the client-made id that makes a retry harmless.

    An id may end in `~` and a digest of what was asked: then the same id with another digest is refused.
    """

    command_id: str
    actor: Actor
    at_ms: int
    command: Command


def without_content(command_id: str) -> str:
    """What the client chose of a command's id."""
    return command_id.partition(CONTENT_MARK)[0]
