"""Pointsman for agent authors: claim tasks, keep the lease alive, ask, submit, and call models on the task's account.

    from pointsman import Agent

    agent = Agent("writer", capabilities=["draft"])
    for task in agent.tasks():
        task.submit(my_agent(task.brief))

Names are loaded when first used: `import pointsman` alone, and `pointsman.contract`, need nothing but Python.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pointsman.agent import Agent
    from pointsman.async_agent import AsyncAgent
    from pointsman.async_task import AsyncTask
    from pointsman.errors import (
        ConfigurationError,
        InvalidKey,
        LeaseLost,
        PointsmanError,
        RequestRefused,
        RunEnded,
        ServerUnreachable,
        TaskCancelled,
        VendorMissing,
    )
    from pointsman.task import Task

_HOMES: Final = {
    "Agent": "pointsman.agent",
    "AsyncAgent": "pointsman.async_agent",
    "AsyncTask": "pointsman.async_task",
    "ConfigurationError": "pointsman.errors",
    "InvalidKey": "pointsman.errors",
    "LeaseLost": "pointsman.errors",
    "PointsmanError": "pointsman.errors",
    "RequestRefused": "pointsman.errors",
    "RunEnded": "pointsman.errors",
    "ServerUnreachable": "pointsman.errors",
    "Task": "pointsman.task",
    "TaskCancelled": "pointsman.errors",
    "VendorMissing": "pointsman.errors",
}

__all__ = [
    "Agent",
    "AsyncAgent",
    "AsyncTask",
    "ConfigurationError",
    "InvalidKey",
    "LeaseLost",
    "PointsmanError",
    "RequestRefused",
    "RunEnded",
    "ServerUnreachable",
    "Task",
    "TaskCancelled",
    "VendorMissing",
]


def __getattr__(name: str) -> object:
    """Loads a public name from its module (PEP 562)."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'pointsman' has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
