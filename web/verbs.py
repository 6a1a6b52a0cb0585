"""What a person can do to a task: each verb with its words, and whether it is possible now.

The rules are the domain's table (`controlplane/domain/transitions.py`); here stands what needs more than the status,
and what a menu and a form say about it. A verb that is not possible is not offered.
"""

from collections.abc import Callable
from dataclasses import dataclass

from controlplane.domain import commands as asked
from controlplane.domain.choices import Choice, choices
from controlplane.domain.state import BLOCKER_CAUSES, HoldKind, TaskStatus
from controlplane.domain.transitions import is_legal
from controlplane.queries.task import TaskView

Condition = Callable[[TaskView], bool]


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb. `field` is what its form asks for; with `is_final` there is no way back, and the form says so."""

    name: str  # in addresses: /tasks/T-12/operate/NAME shows its form, /tasks/T-12/NAME does it
    label: str
    icon: str
    explains: str
    command: type
    field: str = ""
    field_label: str = ""
    is_required: bool = False
    is_final: bool = False
    is_direct: bool = False  # a button that does it at once: nothing is asked, and it can be taken back
    when: Condition = lambda _task: True

    def is_possible(self, task: TaskView) -> bool:
        """May it be done now?"""
        return is_legal(self.command, task.card.status) and self.when(task)


def _is_held(kind: HoldKind) -> Condition:
    return lambda task: kind in task.state.holds


def _has_own_freeze(task: TaskView) -> bool:
    return any(freeze.root == task.card.ref for freeze in task.freezes)


VERBS: tuple[Verb, ...] = (
    Verb(
        "assign",
        "Reassign",
        "split",
        "A live run loses its key within a second. The next agent gets a hand-off: goal, brief, latest deliverable, "
        "decisions, open questions, checkpoint and cost so far.",
        asked.AssignTask,
        "reason",
        "Why? The next agent reads it.",
    ),
    Verb(
        "restart",
        "Restart",
        "rotate-ccw",
        "The run ends and its key dies; the same task begins again.",
        asked.RestartRun,
        "reason",
        "Why?",
        when=lambda task: task.state.run_count > 0 and not task.is_frozen,
    ),
    Verb(
        "nudge",
        "Nudge",
        "message-square-text",
        "A word to the agent at work, which hears it at its next beat. Nothing is stopped.",
        asked.NudgeRun,
        "note",
        "What should it hear?",
        is_required=True,
        when=lambda task: task.live_run is not None,
    ),
    Verb(
        "hold",
        "Pause",
        "pause",
        "New calls wait at the gateway, the lease is safe, calls in flight go on. Nobody takes it until it is resumed.",
        asked.HoldTask,
        "reason",
        "Why?",
        when=lambda task: HoldKind.OPERATOR not in task.state.holds,
    ),
    Verb(
        "resume",
        "Resume",
        "play",
        "It goes on where it was.",
        asked.LiftHold,
        is_direct=True,
        when=_is_held(HoldKind.OPERATOR),
    ),
    Verb(
        "freeze",
        "Freeze",
        "snowflake",
        "Within a second its keys stop, live streams are cut and new calls wait. Nothing is lost: thaw it to go on.",
        asked.HoldTask,
        "reason",
        "Why?",
        when=lambda task: not _has_own_freeze(task),
    ),
    Verb("thaw", "Thaw", "play", "It goes on where it was.", asked.LiftHold, is_direct=True, when=_has_own_freeze),
    Verb(
        "help",
        "Let it go on",
        "play",
        "You have seen why it stopped; agents may take it again.",
        asked.GiveHelp,
        "note",
        "What should the next run know? (optional)",
        when=lambda task: bool(task.state.needs_human) and task.state.human_cause not in BLOCKER_CAUSES,
    ),
    Verb("edit", "Edit brief, needs, priority", "file-text", "The agent reads it with its next run.", asked.EditTask),
    Verb("priority", "Change priority", "p-3", "Urgent tasks are taken first.", asked.EditTask),
    Verb("blockers", "Wait for other tasks", "hourglass", "It starts when all are done.", asked.AddBlockers),
    Verb(
        "unblock",
        "Stop waiting",
        "x",
        "It goes on without what the other task should have made.",
        asked.RemoveBlocker,
        when=lambda task: bool(task.state.open_blockers),
    ),
    Verb("reviewers", "Change reviewers", "stamp", "Who approves, and how many of them must.", asked.SetReview),
    Verb(
        "backlog",
        "Take it out of the queue",
        "archive",
        "It waits in the backlog.",
        asked.MoveTask,
        is_direct=True,
        when=lambda task: task.card.status is TaskStatus.READY,
    ),
    Verb(
        "queue",
        "Put it in the queue",
        "arrow-right",
        "Agents may take it.",
        asked.MoveTask,
        is_direct=True,
        when=lambda task: task.card.status is TaskStatus.BACKLOG,
    ),
    Verb(
        "complete",
        "Call it done",
        "check",
        "It is done without the review it asks for; what waits for it begins. Reopening brings it back.",
        asked.CompleteTask,
        "reason",
        "Why without the review?",
        is_required=True,
    ),
    Verb(
        "fail",
        "Give it up",
        "x",
        "It was wanted, and could not be done. A live run ends; what waits for it calls for a person.",
        asked.FailTask,
        "reason",
        "Why?",
        is_required=True,
        is_final=True,
    ),
    Verb(
        "cancel",
        "Cancel",
        "x",
        "It is not wanted any more. A live run ends and its key dies; what was made so far is kept.",
        asked.CancelTask,
        "reason",
        "Why? (optional)",
        is_final=True,
    ),
    Verb(
        "reopen",
        "Reopen",
        "rotate-ccw",
        "It is wanted again and goes back into the queue. Those who built on it are told.",
        asked.ReopenTask,
        "reason",
        "Why?",
    ),
)
_BY_NAME = {verb.name: verb for verb in VERBS}


def find_verb(name: str) -> Verb | None:
    """The verb of that name."""
    return _BY_NAME.get(name)


def possible(task: TaskView) -> list[Verb]:
    """All that can be done now, in the menu's order."""
    return [verb for verb in VERBS if verb.is_possible(task)]


def needed(task: TaskView) -> list[Verb]:
    """The few that stand beside the menu as buttons: what people reach for in this state."""
    return [_BY_NAME[name] for name in _NEEDED if _BY_NAME[name].is_possible(task)][:BUTTONS]


@dataclass(frozen=True, slots=True)
class Offer:
    """One way on for a task that calls for a person, and the verb that takes it."""

    choice: Choice
    verb: Verb


def offers(task: TaskView) -> list[Offer]:
    """What a person may do about a task that calls for one, the likeliest first."""
    named = [Offer(choice, _BY_NAME[_OF_CHOICE.get(choice.verb, choice.verb)]) for choice in choices(task.state)]
    return [offer for offer in named if offer.verb.is_possible(task)]


# Where the wire's word is not the page's; "stop waiting" is a form that names what it stops waiting for.
_OF_CHOICE = {"give_help": "help", "fail_task": "fail", "add_blockers": "blockers", "remove_blocker": "unblock"}
_NEEDED = ("resume", "thaw", "reopen", "queue", "assign", "nudge", "hold", "freeze")
BUTTONS = 4
