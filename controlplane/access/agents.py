"""Agents: registered by their first key or by saying who they are."""

import re
from collections.abc import Sequence
from typing import Any

from pointsman.contract import IdPrefix, new_id
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.store.outbox import announce
from controlplane.store.tables import Agent
from controlplane.store.upsert import table_of

NAME = re.compile(r"[a-z0-9](?:[a-z0-9 _.-]{0,38}[a-z0-9])?")


def agent_name(text: str) -> str:
    """The name as it is stored. Raises ValueError with a sentence for the person when it cannot be one."""
    name = text.strip().lower()
    if not NAME.fullmatch(name):
        raise ValueError(f"An agent's name is 1 to 40 letters, digits, spaces, dots, dashes, not {text!r}.")
    return name


async def find_agent(session: AsyncSession, workspace_id: str, reference: str) -> Agent | None:
    """By id (`a_…`) or by name."""
    columns = table_of(Agent).c
    is_it = (columns.agent_id == reference) | (columns.name == reference.strip().lower())
    found = await session.execute(select(Agent).where(columns.workspace_id == workspace_id, is_it))
    return found.scalars().first()


async def register_agent(
    session: AsyncSession,
    workspace_id: str,
    name: str,
    now_ms: int,
    *,
    capabilities: Sequence[str] | None = None,
    call_sign: str | None = None,
    kind: str | None = None,
    definition: dict[str, Any] | None = None,
    is_simulated: bool | None = None,
    template: str | None = None,
    max_concurrency: int | None = None,
) -> Agent:
    """The agent of that name, made if it is new. What is None stays as it is. Raises ValueError for an odd name."""
    agent = await find_agent(session, workspace_id, agent_name(name))
    given = {
        "call_sign": call_sign,
        "kind": kind,
        "definition": definition,
        "is_simulated": is_simulated,
        "template": template,
        "max_concurrency": max_concurrency,
    }
    changes: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    if capabilities is not None:
        changes["capabilities"] = sorted({capability.strip().lower() for capability in capabilities} - {""})
    if agent is None:
        agent = Agent(
            agent_id=new_id(IdPrefix.AGENT, now_ms),
            workspace_id=workspace_id,
            name=agent_name(name),
            call_sign=call_sign or await _free_call_sign(session, workspace_id, agent_name(name)),
            created_at_ms=now_ms,
        )
    elif all(getattr(agent, field) == value for field, value in changes.items()):
        return agent
    for field, value in changes.items():
        setattr(agent, field, value)
    session.add(agent)
    announce(session, workspace_id, "agent", agent.agent_id, now_ms)
    await session.flush()
    return agent


async def _free_call_sign(session: AsyncSession, workspace_id: str, name: str) -> str:
    columns = table_of(Agent).c
    taken = set(
        (await session.execute(select(columns.call_sign).where(columns.workspace_id == workspace_id))).scalars()
    )
    sign = call_sign_of(name)
    candidates = (sign, *(f"{sign[:2]}{digit}" for digit in range(2, 10)), *(f"{sign[:1]}{n}" for n in range(10, 100)))
    return next((candidate for candidate in candidates if candidate not in taken), sign)


def call_sign_of(name: str) -> str:
    """Two or three capitals: a short name itself, else its first letter and the next two consonants."""
    letters = re.sub(r"[^A-Z0-9]", "", name.upper())
    if len(letters) <= 3:
        return letters
    consonants = dict.fromkeys(letter for letter in letters[1:] if letter not in f"AEIOU{letters[0]}")
    return (letters[0] + "".join(consonants))[:3].ljust(2, letters[1])
