"""What goes into Temporal's history comes out as the same value, or not at all."""

import pytest
from temporalio.api.common.v1 import Payload

from controlplane.domain.commands import ClaimTask, Envelope
from controlplane.domain.state import Actor, ActorKind
from workers.converter import PointsmanPayloadConverter
from workers.messages import LeaseTerms, TaskStart

ENVELOPE = Envelope("cmd_1", Actor(ActorKind.AGENT, "a_1", "writer"), 5, ClaimTask("a_1", "r_1"))


@pytest.mark.parametrize("value", [ENVELOPE, TaskStart(LeaseTerms(1.5, 0.5)), {"t_1": "done"}, "text", 7, True])
def test_a_value_survives_the_history(value: object) -> None:
    converter = PointsmanPayloadConverter()

    assert converter.from_payloads(converter.to_payloads([value]), [type(value)]) == [value]


def test_nothing_survives_as_nothing() -> None:
    converter = PointsmanPayloadConverter()

    assert converter.from_payloads(converter.to_payloads([None]), [TaskStart]) == [None]


def test_a_payload_of_another_shape_is_refused() -> None:
    payload = Payload(metadata={"encoding": b"json/plain"}, data=b'{"command_id": 7}')

    with pytest.raises(RuntimeError, match="could not be converted"):
        PointsmanPayloadConverter().from_payloads([payload], [Envelope])
