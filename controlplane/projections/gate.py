"""Can anybody satisfy this review? A gate that nobody can pass says so at once, and not when somebody wonders.

The rule stands in the task's state, who is still there in SQL: people leave, agents retire, and nobody reviews what
they made themselves.
"""

from sqlalchemy import Connection, select, update

from controlplane.domain.state import ActorKind, TaskState, TaskStatus
from controlplane.store.tables import Agent, Task, User
from controlplane.store.upsert import table_of


def write_gate(connection: Connection, task_id: str, problem: str) -> None:
    """The sentence beside a task in review; the row says none when it was just written."""
    if problem:
        tasks = table_of(Task)
        connection.execute(update(tasks).where(tasks.c.task_id == task_id).values(review_problem=problem))


def gate_problem(connection: Connection, state: TaskState) -> str:
    """Why the review of this state can never be satisfied; empty when it can, or when nothing is in review."""
    rule = state.review
    if state.status is not TaskStatus.IN_REVIEW or not rule.reviewers:
        return ""
    able = _able(connection, state)
    missing = [reviewer for reviewer in rule.reviewers if reviewer.id not in able]
    if len(rule.reviewers) - len(missing) >= rule.needed:
        return ""
    who = ", ".join(_why(state, reviewer.id, reviewer.name or reviewer.id) for reviewer in missing)
    return f"Nobody can finish this review: {rule.needed} must approve, but {who}. Change its reviewers."


def _able(connection: Connection, state: TaskState) -> set[str]:
    people = [one.id for one in state.review.reviewers if one.kind is ActorKind.PERSON]
    agents = [one.id for one in state.review.reviewers if one.kind is ActorKind.AGENT]
    user, agent = table_of(User).c, table_of(Agent).c
    found = set((connection.execute(select(user.user_id).where(user.user_id.in_(people)))).scalars())
    if agents:
        active = select(agent.agent_id).where(agent.agent_id.in_(agents), agent.retired_at_ms.is_(None))
        found |= set((connection.execute(active)).scalars()) - {state.author_id}
    return found


def _why(state: TaskState, reviewer_id: str, name: str) -> str:
    return f"{name} made it" if reviewer_id == state.author_id else f"{name} is not here any more"
