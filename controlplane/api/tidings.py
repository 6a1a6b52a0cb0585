"""What there is to tell one agent: read from SQL, and told once for each connection."""

from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.commands.claims import proposals
from controlplane.domain.state import LIVE, RunState, TaskState
from controlplane.feed.changes import Batch, Resync
from controlplane.store.database import Database
from controlplane.store.tables import Agent, Run, Task
from controlplane.store.upsert import table_of

TOPICS = frozenset({"task", "run", "agent"})
# How a run ends that its agent did not end itself, and what it is told.
ENDINGS = {RunState.CANCELLED: "stop", RunState.SUPERSEDED: "lease_lost", RunState.LOST: "lease_lost"}


class Tidings:
    """What happened to one agent's runs since `since_ms`; remembers what was said, so that each thing is said once."""

    def __init__(self, database: Database, workspace_id: str, agent_id: str, since_ms: int) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._agent_id = agent_id
        self._since_ms = since_ms
        self._said: set[str] = set()
        self._offered: list[str] = []

    def concerned(self, batch: Batch) -> bool:
        """Could this batch hold news?"""
        return isinstance(batch, Resync) or any(
            change.workspace_id == self._workspace_id and change.topic in TOPICS for change in batch
        )

    async def look(self) -> list[dict[str, Any]]:
        """The messages that are due now."""
        async with self._database.reading() as session:
            runs = await self._runs(session)
            agent = await session.get(Agent, self._agent_id)
            offered = await proposals(session, agent, set(agent.capabilities)) if agent and not agent.is_paused else []
        messages = [message for run_id, state, text in runs for message in self._news(run_id, state, text)]
        if offered and offered != self._offered:
            messages.append({"type": "work_available"})
        self._offered = offered
        return messages

    async def _runs(self, session: AsyncSession) -> list[tuple[str, RunState, str]]:
        runs, tasks = table_of(Run).c, table_of(Task).c
        rows = await session.execute(
            select(runs.run_id, runs.state, tasks.state_json)
            .join(table_of(Task), tasks.task_id == runs.task_id)
            .where(
                runs.agent_id == self._agent_id,
                runs.state.in_(list(LIVE)) | (runs.state.in_(list(ENDINGS)) & (runs.ended_at_ms >= self._since_ms)),
            )
        )
        return [(run_id, RunState(state), text) for run_id, state, text in rows]

    def _news(self, run_id: str, state: RunState, state_json: str) -> Iterator[dict[str, Any]]:
        if state in ENDINGS:
            if self._is_new(run_id):
                yield {"type": ENDINGS[state], "run_id": run_id}
            return
        question = msgspec.json.decode(state_json, type=TaskState).question
        if question is not None and question.answer is not None and self._is_new(question.question_id):
            yield {"type": "answer", "question_id": question.question_id}

    def _is_new(self, subject: str) -> bool:
        is_new = subject not in self._said
        self._said.add(subject)
        return is_new
