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
from controlplane.store.tables import Agent, Directive, Run, Task
from controlplane.store.upsert import table_of

TOPICS = frozenset({"task", "run", "agent"})
# How a run ends that its agent did not end itself, and what it is told. A lost one is told to beat: it goes on when
# nobody has taken over since, else the answer to the beat says that it is over.
ENDINGS = {RunState.CANCELLED: "stop", RunState.SUPERSEDED: "lease_lost", RunState.LOST: "directives"}


class Tidings:
    """What happened to one agent's runs since `since_ms`; remembers what was said, so that each thing is said once."""

    def __init__(self, database: Database, workspace_id: str, agent_id: str, since_ms: int) -> None:
        self._database = database
        self._workspace_id = workspace_id
        self._agent_id = agent_id
        self._since_ms = since_ms
        self._said: set[str] = set()
        self._standing: dict[str, tuple[bool, bool]] = {}  # by run: is it paused, is its agent
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
            words = await self._words(session)
            offered = await proposals(session, agent, set(agent.capabilities)) if agent and not agent.is_paused else []
        messages = [message for run_id, state, text in runs for message in self._news(run_id, state, text)]
        is_agent_paused = agent is not None and agent.is_paused
        told = [
            run_id for run_id, state, _ in runs if self._stands_anew(run_id, state, is_agent_paused=is_agent_paused)
        ]
        told += [run_id for directive_id, run_id in words if self._is_new(directive_id)]
        messages += [{"type": "directives", "run_id": run_id} for run_id in dict.fromkeys(told)]
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

    async def _words(self, session: AsyncSession) -> list[tuple[str, str]]:
        """What waits for the next beat of the agent's live runs."""
        directives, runs = table_of(Directive).c, table_of(Run).c
        rows = await session.execute(
            select(directives.directive_id, directives.run_id)
            .join(table_of(Run), runs.run_id == directives.run_id)
            .where(runs.agent_id == self._agent_id, runs.state.in_(list(LIVE)), directives.delivered_at_ms.is_(None))
        )
        return [(directive_id, run_id) for directive_id, run_id in rows]

    def _stands_anew(self, run_id: str, state: RunState, *, is_agent_paused: bool) -> bool:
        """Whether a live run is to stop or to pause, or not any more."""
        if state not in LIVE:
            return False
        now = (state is RunState.PAUSED, is_agent_paused)
        before = self._standing.get(run_id, (False, False))
        self._standing[run_id] = now
        return now != before

    def _news(self, run_id: str, state: RunState, state_json: str) -> Iterator[dict[str, Any]]:
        if state in ENDINGS:
            if self._is_new(f"{run_id}/{state}"):  # a lost run may come back, and then be taken away
                yield {"type": ENDINGS[state], "run_id": run_id}
            return
        question = msgspec.json.decode(state_json, type=TaskState).question
        if question is not None and not question.is_open and self._is_new(question.question_id):
            yield {"type": "answer", "question_id": question.question_id}

    def _is_new(self, subject: str) -> bool:
        is_new = subject not in self._said
        self._said.add(subject)
        return is_new
