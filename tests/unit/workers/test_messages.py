"""What goes into one payload of Temporal, and what waits for the next."""

import msgspec

from controlplane.domain.state import Actor, ActorKind, TaskState
from controlplane.ports import Applied
from workers.messages import PAYLOAD_BYTES, PROJECTED_AT_ONCE, fitting

ADA = Actor(ActorKind.PERSON, "u_1", "Ada")


def applied(brief: str) -> Applied:
    return Applied(TaskState("t_1", "w_1", "p_1", 1, "Write", brief, ADA, 1, 1), (), "e_1")


def test_small_states_go_together_up_to_a_number() -> None:
    waiting = [applied("short")] * (PROJECTED_AT_ONCE + 1)

    assert fitting(waiting) == tuple(waiting[:PROJECTED_AT_ONCE])


def test_large_states_share_a_payload_only_as_far_as_it_holds_them() -> None:
    waiting = [applied("x" * 400_000)] * 8

    batch = fitting(waiting)

    assert len(batch) == 3
    assert len(msgspec.json.encode(batch)) < PAYLOAD_BYTES


def test_the_first_always_goes_unless_a_state_goes_with_it() -> None:
    large = applied("x" * PAYLOAD_BYTES)

    assert fitting([large, large]) == (large,)
    assert fitting([large], beside=applied("").state) == ()
