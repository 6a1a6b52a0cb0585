"""What a person may do about a task that calls for one: a few verbs by its cause, the likeliest first.

Everything else that the table allows stays possible; these are what the card, the inbox and the API offer.
"""

from dataclasses import dataclass, replace

from controlplane.domain.human_causes import BROKEN
from controlplane.domain.state import BLOCKER_CAUSES, HumanCause, TaskState


@dataclass(frozen=True, slots=True)
class Choice:
    """One way on. `verb` is the command's name on the wire; `task_ids` are the tasks that it is about."""

    verb: str
    label: str
    sentence: str
    task_ids: tuple[str, ...] = ()


TRY_AGAIN = Choice("give_help", "Try again", "The next agent that is able takes it, and the counts begin anew.")
OTHER_AGENT = Choice("assign", "Give it to another agent", "Only that agent takes it, with what was made so far.")
CLARIFY = Choice("edit", "Clarify the brief", "What was missing goes into the brief, and it is tried again.")
GIVE_UP = Choice("fail_task", "Give up", "It is closed as failed; what waits for it is told.")
ACCEPT = Choice("complete", "Accept it as it is", "It is done with its latest version, and you are named for it.")
HOLD = Choice("hold", "Hold it", "Nobody takes it until you lift the hold.")
STOP_WAITING = Choice(
    "remove_blocker", "Stop waiting for it", "It goes on without what the other task should have made."
)
WAIT_FOR_OTHER = Choice(
    "add_blockers", "Wait for another task", "Name the one that takes its place, then stop waiting for this one."
)
CANCEL = Choice("cancel", "Cancel this one too", "It is closed; what waits for it calls for a person in turn.")

CHOICES: dict[HumanCause, tuple[Choice, ...]] = {
    HumanCause.FAILURES: (TRY_AGAIN, OTHER_AGENT, CLARIFY, GIVE_UP),
    HumanCause.LOST_TWICE: (OTHER_AGENT, TRY_AGAIN, GIVE_UP),
    HumanCause.REJECTIONS: (OTHER_AGENT, CLARIFY, ACCEPT, GIVE_UP),
    HumanCause.WAKES: (HOLD, CLARIFY, OTHER_AGENT, TRY_AGAIN, GIVE_UP),
    HumanCause.BLOCKER_FAILED: (STOP_WAITING, WAIT_FOR_OTHER, CANCEL),
    HumanCause.BLOCKER_CANCELLED: (STOP_WAITING, WAIT_FOR_OTHER, CANCEL),
}


def choices(state: TaskState) -> tuple[Choice, ...]:
    """What to offer now; nothing when the task calls for nobody."""
    if not state.needs_human:
        return ()
    if state.human_cause is None:  # kept by an earlier version, which knew failures alone
        return CHOICES[HumanCause.FAILURES]
    offered = CHOICES[state.human_cause]
    if state.human_cause not in BLOCKER_CAUSES:
        return offered
    broken = tuple(task_id for task_id, known in state.blockers.items() if known in BROKEN)
    return tuple(choice if choice is CANCEL else replace(choice, task_ids=broken) for choice in offered)
