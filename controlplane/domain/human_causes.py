"""Why a task calls for a person, in the sentence that its card, its notice and its page show."""

from controlplane.domain.state import (
    FAILURES_BEFORE_HUMAN,
    REJECTIONS_BEFORE_HUMAN,
    BlockerState,
    HumanCause,
    TaskState,
)

SENTENCES = {
    HumanCause.FAILURES: "{count} runs failed in a row. Assign it, or edit it.",
    HumanCause.LOST_TWICE: "Its agent fell silent on it twice in a row. Give it to another one.",
    HumanCause.REJECTIONS: "Sent back {count} times in a row. Reassign it, clarify the brief, or stop it.",
    HumanCause.WAKES: "It was begun {count} times within an hour. See why nobody gets on with it.",
    HumanCause.BLOCKER_FAILED: "A task it waits for has failed.",
    HumanCause.BLOCKER_CANCELLED: "A task it waits for was cancelled.",
}
BROKEN = {
    BlockerState.FAILED: HumanCause.BLOCKER_FAILED,
    BlockerState.CANCELLED: HumanCause.BLOCKER_CANCELLED,
}


def sentence_of(cause: HumanCause, count: int = 0) -> str:
    """The sentence of a cause; `count` is how often it happened, where that is said."""
    return SENTENCES[cause].format(count=count)


def standing_cause(state: TaskState) -> tuple[HumanCause, str] | None:
    """What calls for a person by the state alone, the most lasting first; None when only events could tell."""
    for outcome in state.blockers.values():
        if outcome in BROKEN:
            return BROKEN[outcome], sentence_of(BROKEN[outcome])
    if state.failures >= FAILURES_BEFORE_HUMAN:
        return HumanCause.FAILURES, sentence_of(HumanCause.FAILURES, state.failures)
    if state.rejections >= REJECTIONS_BEFORE_HUMAN:
        return HumanCause.REJECTIONS, sentence_of(HumanCause.REJECTIONS, state.rejections)
    return None
