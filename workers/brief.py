"""What an internal agent is told about its task: the same that the SDK hands to an external one."""

from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import select

from controlplane.commands.contents import words_of
from controlplane.domain.state import TaskState
from controlplane.ports import BlobStore
from controlplane.store.database import Database
from controlplane.store.tables import Agent, Comment, Task
from controlplane.store.upsert import table_of

DEFAULT_SYSTEM = "You work on one task. Answer with the finished deliverable as Markdown, and with nothing else."


@dataclass(frozen=True, slots=True)
class Brief:
    """An agent's definition, and the first messages of its conversation."""

    model: str
    tool_server: str
    messages: tuple[dict[str, Any], ...]


async def read_brief(control: Database, blobs: BlobStore, agent_id: str, task_id: str) -> Brief:
    """Raises LookupError when the agent has no definition or the task is unknown."""
    async with control.reading() as session:
        agent = await session.get(Agent, agent_id)
        task = await session.get(Task, task_id)
        comment = table_of(Comment).c
        said = await session.execute(
            select(comment.author_name, comment.text).where(comment.task_id == task_id).order_by(comment.at_ms)
        )
        comments = [f"{author}: {text}" for author, text in said]
    if agent is None or not agent.definition or task is None:
        raise LookupError(f"agent {agent_id} has no definition, or task {task_id} is unknown")
    state = msgspec.json.decode(task.state_json, type=TaskState)
    previous = await _previous_version(blobs, state)
    definition = agent.definition
    return Brief(
        model=str(definition["model"]),
        tool_server=str(definition.get("tool_server") or ""),
        messages=(
            {"role": "system", "content": str(definition.get("system") or DEFAULT_SYSTEM)},
            {"role": "user", "content": _as_text(state, previous, comments)},
        ),
    )


def _as_text(state: TaskState, previous: str, comments: list[str]) -> str:
    parts = [f"# {state.title}", state.brief]
    if previous and state.last_review:
        parts += ["## Your last version", previous, "## What to change", state.last_review.note]
    if comments:
        parts += ["## Comments", *comments]
    return "\n\n".join(part for part in parts if part)


async def _previous_version(blobs: BlobStore, state: TaskState) -> str:
    return await words_of(blobs, state.deliverables[-1]) if state.deliverables else ""
