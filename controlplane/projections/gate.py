"""Can anybody satisfy this review? A gate that nobody can pass says so at once, and not when somebody wonders.

The rule stands in the task's state, who is still there in SQL: people leave, agents retire, and nobody reviews what
they made themselves.
"""

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.domain.state import ActorKind, TaskState, TaskStatus
from controlplane.store.tables import Agent, Task, User
from controlplane.store.upsert import table_of


async def write_gate(session: AsyncSession, state: TaskState) -> None:
    """The sentence beside a task in review; empty while enough of its reviewers are there."""
    problem = await gate_problem(session, state)
    if problem:
        tasks = table_of(Task)
        await session.execute(update(tasks).where(tasks.c.task_id == state.task_id).values(review_problem=problem))


async def gate_problem(session: AsyncSession, state: TaskState) -> str:
    """Why the review of this state can never be satisfied; empty when it can, or when nothing is in review."""
    rule = state.review
    if state.status is not TaskStatus.IN_REVIEW or not rule.reviewers:
        return ""
    able = await _able(session, state)
    missing = [reviewer for reviewer in rule.reviewers if reviewer.id not in able]
    if len(rule.reviewers) - len(missing) >= rule.needed:
        return ""
    who = ", ".join(_why(state, reviewer.id, reviewer.name or reviewer.id) for reviewer in missing)
    return f"Nobody can finish this review: {rule.needed} must approve, but {who}. Change its reviewers."


async def _able(session: AsyncSession, state: TaskState) -> set[str]:
    people = [one.id for one in state.review.reviewers if one.kind is ActorKind.PERSON]
    agents = [one.id for one in state.review.reviewers if one.kind is ActorKind.AGENT]
    user, agent = table_of(User).c, table_of(Agent).c
    found = set((await session.execute(select(user.user_id).where(user.user_id.in_(people)))).scalars())
    if agents:
        active = select(agent.agent_id).where(agent.agent_id.in_(agents), agent.retired_at_ms.is_(None))
        found |= set((await session.execute(active)).scalars()) - {state.author_id}
    return found


def _why(state: TaskState, reviewer_id: str, name: str) -> str:
    return f"{name} made it" if reviewer_id == state.author_id else f"{name} is not here any more"
