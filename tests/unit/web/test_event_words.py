"""Every event has words of its own in the activity, with who did it and why."""

from typing import get_args

import msgspec
import pytest

from controlplane.domain.events import Event
from controlplane.domain.state import Actor, ActorKind, HoldKind, HumanCause, ReviewRule, TaskStatus
from controlplane.queries.activity import ActivityItem
from tests.fakes.document import read_html
from tests.fakes.project import Yard

MAYA = Actor(ActorKind.PERSON, "u_1", "Maya")
QA = Actor(ActorKind.AGENT, "a_1", "qa")
WHY = "<b>because</b>"
SAMPLES = {
    "status": TaskStatus.READY,
    "origin": TaskStatus.BACKLOG,
    "to": TaskStatus.READY,
    "hold": HoldKind.OPERATOR,
    "cause": HumanCause.FAILURES,
    "review": ReviewRule((MAYA, QA), 2, QA),
    "needs": ("draft",),
    "blockers": ("t_2",),
    "task_ids": ("t_2",),
    "task_id": "t_2",
    "from_checkpoint": True,
    "outcome": "done",
    "state": "failed",
    "agent_id": "a_1",
    "reason": WHY,
    "note": WHY,
    "text": WHY,
    "version": 3,
    "number": 1,
    "epoch": 1,
    "priority": 2,
    "size_bytes": 10,
}
KINDS: dict[str, type] = {msgspec.inspect.type_info(kind).tag: kind for kind in get_args(Event)}
WITH_REASON = {
    *("task_assigned", "restart_asked", "task_held", "hold_lifted", "task_cancelled", "task_failed", "task_completed"),
    *("task_reopened", "run_nudged", "help_given", "approval_given", "changes_requested", "deliverable_approved"),
    *("clarification_asked", "question_asked", "question_answered"),
}


def item_of(kind: type) -> ActivityItem:
    fields = {field.name: field for field in msgspec.structs.fields(kind)}
    values = {name: SAMPLES.get(name, "x") for name, field in fields.items() if field.required or name in SAMPLES}
    event = kind(**{**values, "at_ms": 1, "actor": MAYA})
    body = msgspec.to_builtins(event)
    return ActivityItem(body.pop("kind"), 1, "person", "Maya", body, agent="QA", refs=("T-2",))


@pytest.mark.parametrize("name", KINDS)
def test_every_event_has_words_that_say_who_and_why(yard: Yard, name: str) -> None:
    html = yard.site.station.renderer.part("task/events.html", "sentence", item_of(KINDS[name]))
    words = read_html(html).text()
    assert len(words) > 15
    assert "None" not in words
    if name in WITH_REASON:
        assert WHY.replace("<b>", "&lt;b&gt;").replace("</b>", "&lt;/b&gt;") in html
        assert "Maya" in html
    assert WHY not in html


def test_an_event_of_an_earlier_version_lacks_fields_and_is_told_all_the_same(yard: Yard) -> None:
    bare = {
        "task_assigned": {"agent_id": None, "previous_agent_id": None},
        "run_ended": {"run_id": "r_1", "agent_id": "a_1", "state": "lost"},
        "deliverable_submitted": {"run_id": "r_1", "agent_id": "a_1", "version": 1, "title": ""},
        "question_asked": {"question_id": "q_1", "text": "Which?"},
        "question_answered": {"question_id": "q_1", "text": "That."},
    }
    for kind, body in bare.items():
        told = yard.site.station.renderer.part(
            "task/events.html", "sentence", ActivityItem(kind, 1, "person", "Maya", body)
        )
        assert told.endswith((".", "</q>")), told
