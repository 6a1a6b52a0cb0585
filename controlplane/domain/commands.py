"""What can be asked of a task, in the imperative."""

from typing import Any

import msgspec

from controlplane.domain.state import Actor, HoldKind, ReviewRule, TaskStatus


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
    parent_id: str | None = None
    review: ReviewRule = ReviewRule()


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
    reason: str = ""


class ClaimTask(_Command, tag="claim", frozen=True):
    """By an agent that takes a ready task: a new run, a new epoch.

    `silence_seconds` is for an agent that is heard of seldom, such as one that a cron job wakes; None: the usual.
    """

    agent_id: str
    run_id: str
    silence_seconds: float | None = None


class ReleaseRun(_Command, tag="release", frozen=True):
    """An agent gives its task back, which is not a failure.

    With `waits_for` the task is held until a person, or a script, says that what it waits for outside is there.
    """

    run_id: str
    epoch: int
    reason: str = ""
    waits_for: str = ""


class FailRun(_Command, tag="fail_run", frozen=True):
    """An agent (or the SDK for it) says that this attempt failed."""

    run_id: str
    epoch: int
    reason: str  # not_submitted | exception | budget | …
    message: str = ""


class LoseRun(_Command, tag="lose_run", frozen=True):
    """The system found no sign of life within TTL and grace.

    `others_are_able` is what SQL knows of agents: when this one is lost twice and nobody else could take the task, a
    person is called.
    """

    run_id: str
    epoch: int
    message: str = ""
    others_are_able: bool = True
    though_waiting: bool = False  # as executions that began before `workers/workflows/lease.py` spared those who wait


class ResumeRun(_Command, tag="resume_run", frozen=True):
    """A lost run is back before anybody took over: it goes on under the same epoch."""

    run_id: str
    epoch: int


class SubmitDeliverable(_Command, tag="submit", frozen=True):
    run_id: str
    epoch: int
    sha256: str
    size_bytes: int
    format: str = "markdown"  # markdown | text | code | link | file
    title: str = ""
    name: str = ""
    media_type: str = ""
    language: str = ""


class AdoptLate(_Command, tag="adopt_late", frozen=True):
    """What came too late becomes the next version after all. A live run ends, for its work is done."""

    run_id: str
    agent_id: str
    sha256: str
    size_bytes: int
    format: str = "markdown"
    title: str = ""
    name: str = ""
    media_type: str = ""
    language: str = ""


class ReviewDeliverable(_Command, tag="review", frozen=True):
    version: int
    verdict: str  # approve | request_changes | ask
    note: str = ""


class SetReview(_Command, tag="set_review", frozen=True):
    """Who may approve, and how many of them must."""

    review: ReviewRule


class AskQuestion(_Command, tag="ask", frozen=True):
    """`form` is the JSON Schema of an object. Durations, never deadlines: only the server's clock counts."""

    run_id: str
    epoch: int
    question_id: str
    text: str
    answer_kind: str = "text"  # text | choice | form | approval
    choices: tuple[str, ...] = ()
    form: dict[str, Any] = {}
    expires_in_seconds: float | None = None


class AnswerQuestion(_Command, tag="answer", frozen=True):
    """`value` is a choice, a form's object, or for an approval true or false; plain words stand in `text`."""

    question_id: str
    text: str = ""
    value: Any = None


class ExpireQuestion(_Command, tag="expire_question", frozen=True):
    """Nobody answered in time: that means no."""

    question_id: str


class HoldTask(_Command, tag="hold", frozen=True):
    """Keeps it from going on; a live run pauses, and its lease is safe."""

    hold: HoldKind
    reason: str = ""


class LiftHold(_Command, tag="lift_hold", frozen=True):
    hold: HoldKind
    reason: str = ""


class NudgeRun(_Command, tag="nudge", frozen=True):
    """A word to the agent at work, which it hears at its next beat."""

    note: str = ""


class RestartRun(_Command, tag="restart", frozen=True):
    """Ends the run; the next one goes on from the last checkpoint, or from nothing."""

    from_checkpoint: bool = True
    reason: str = ""


class GiveHelp(_Command, tag="give_help", frozen=True):
    """A person has seen why it stopped and lets it go on."""

    note: str = ""


class AddBlockers(_Command, tag="add_blockers", frozen=True):
    """The API has checked for cycles under a lock; the task refuses only itself and too many."""

    task_ids: tuple[str, ...]


class RemoveBlocker(_Command, tag="remove_blocker", frozen=True):
    task_id: str


class ResolveBlocker(_Command, tag="resolve_blocker", frozen=True):
    """A blocking task closed, or was reopened. Said by the blocker, and again by the reconciler: idempotent.

    `revision` is the blocker's own: news of an older one than was heard of changes nothing, whatever its way took.
    """

    task_id: str
    outcome: str  # a BlockerState
    revision: int = 0  # 0: said by an earlier version, which did not know it


class CancelTask(_Command, tag="cancel", frozen=True):
    reason: str = ""


class FailTask(_Command, tag="fail_task", frozen=True):
    """A person gives it up: it was wanted, and could not be done."""

    reason: str = ""


class CompleteTask(_Command, tag="complete", frozen=True):
    """A person calls it done without the verdicts that its review asks for."""

    reason: str = ""


class ReopenTask(_Command, tag="reopen", frozen=True):
    """A closed task is wanted again."""

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
    | ResumeRun
    | SubmitDeliverable
    | AdoptLate
    | ReviewDeliverable
    | SetReview
    | AskQuestion
    | AnswerQuestion
    | ExpireQuestion
    | HoldTask
    | LiftHold
    | NudgeRun
    | RestartRun
    | GiveHelp
    | AddBlockers
    | RemoveBlocker
    | ResolveBlocker
    | CancelTask
    | FailTask
    | CompleteTask
    | ReopenTask
)


CONTENT_MARK = "~"


class Envelope(msgspec.Struct, frozen=True):
    """A command on its way: who asks, when our server heard it, and the client-made id that makes a retry harmless.

    An id may end in `~` and a digest of what was asked: then the same id with another digest is refused.
    `expected_revision` is what the sender saw last; when the task has moved on since, it is refused.
    """

    command_id: str
    actor: Actor
    at_ms: int
    command: Command
    expected_revision: int | None = None


def without_content(command_id: str) -> str:
    """What the client chose of a command's id."""
    return command_id.partition(CONTENT_MARK)[0]
