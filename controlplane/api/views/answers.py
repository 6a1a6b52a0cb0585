"""How a view goes out."""

from datetime import UTC, datetime
from typing import Annotated, Any, overload

import msgspec
from fastapi import Response

from controlplane.domain.state import Actor, ActorKind

Moment = Annotated[
    str, msgspec.Meta(extra_json_schema={"format": "date-time", "examples": ["2026-11-21T12:00:00.000Z"]})
]
NanoUsd = Annotated[int, msgspec.Meta(description="Thousand-millionths of a dollar.")]


class View(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all answers. No defaults: what is there is always sent, and so always required."""


class ActorView(View, frozen=True):
    """Who did something: a person, an agent, or one of our own processes."""

    kind: ActorKind
    id: str
    name: str


def actor_view(actor: Actor) -> ActorView:
    return ActorView(kind=actor.kind, id=actor.id, name=actor.name or actor.id)


def answer(view: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """A view as an answer; msgspec writes it in microseconds."""
    return Response(msgspec.json.encode(view), status, headers, "application/json")


@overload
def iso(ms: int) -> str: ...


@overload
def iso(ms: int | None) -> str | None: ...


def iso(ms: int | None) -> str | None:
    """`2026-11-21T12:00:00.000Z`."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
