"""What there is to tell one agent: read from SQL, and told once for each connection."""

from typing import Any

import msgspec
from sqlalchemy import select

from controlplane.commands.claims import proposals
from controlplane.domain.state import LIVE, RunState, TaskState
from controlplane.feed.changes import Batch, Resync
from controlplane.store.database import Database
from controlplane.store.tables import Agent, Run, Task
from controlplane.store.upsert import table_of

TOPICS = frozenset({"task", "run", "agent"})
ENDINGS = {RunState.CANCELLED: "stop", RunState.SUPERSEDED: "lease_lost", RunState.LOST: "lease_lost"}


class Tidings:
    """Remembers which runs were held and what was said, so that each thing is said once."""

    def __init__(self, database: Database, workspace_id: str, agent_id: str) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._agent_id = agent_id
        self._held: set[str] = set()
        self._answered: set[str] = set()
        self._offered: list[str] = []

    def concerned(self, batch: Batch) -> bool:
        """Could this batch hold news?"""
        return isinstance(batch, Resync) or any(
            change.workspace_id == self._workspace_id and change.topic in TOPICS for change in batch
        )

    async def look(self) -> list[dict[str, Any]]:
        """The messages that are due now."""
        runs, tasks = table_of(Run).c, table_of(Task).c
        is_ours = runs.agent_id == self._agent_id
        async with self._database.reading() as session:
            rows = await session.execute(
                select(runs.run_id, runs.state, tasks.state_json)
                .join(table_of(Task), tasks.task_id == runs.task_id)
                .where(is_ours, runs.state.in_(list(LIVE)) | runs.run_id.in_(self._held))
            )
            known = [(run_id, RunState(state), text) for run_id, state, text in rows]
            agent = await session.get(Agent, self._agent_id)
            offered = await proposals(session, agent, set(agent.capabilities)) if agent and not agent.is_paused else []
        messages = [self._ending(run_id, state) for run_id, state, _ in known if state not in LIVE]
        messages += [self._answer(text) for _, state, text in known if state in LIVE]
        self._held = {run_id for run_id, state, _ in known if state in LIVE}
        if offered and offered != self._offered:
            messages.append({"type": "work_available"})
        self._offered = offered
        return [message for message in messages if message is not None]

    @staticmethod
    def _ending(run_id: str, state: RunState) -> dict[str, Any] | None:
        """Nothing for an ending that the agent brought about itself."""
        return {"type": ENDINGS[state], "run_id": run_id} if state in ENDINGS else None

    def _answer(self, state_json: str) -> dict[str, Any] | None:
        question = msgspec.json.decode(state_json, type=TaskState).question
        if question is None or question.answer is None or question.question_id in self._answered:
            return None
        self._answered.add(question.question_id)
        return {"type": "answer", "question_id": question.question_id}
