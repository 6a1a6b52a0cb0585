"""Recall: has this very call been answered, or is it being answered? https://www.rfc-editor.org/rfc/rfc9110#section-9.2.2"""

import copy
import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from pointsman.contract import IDEMPOTENCY_HEADER, REQUEST_ID_HEADER

from proxy.call import Call
from proxy.errors import InvalidRequest
from proxy.flights import REPLAY_HEADER, Flight
from proxy.ports import Answer
from proxy.stages.settle import settle

LONGEST_KEY = 255

_HEADER = IDEMPOTENCY_HEADER.encode()


def is_keyed(call: Call) -> bool:
    return call.said.is_keyed


async def recall(call: Call, asking: Callable[[Call], Coroutine[Any, Any, None]]) -> bool:
    """Answers a call with an idempotency key; False for an empty one. Raises IdempotencyMismatch (422).

    The first call with a key is asked in a task of its own (`proxy/flights.py`), by a copy of this one that keeps the
    record. Those that come while it is in flight get its answer with it, those that come later get it from the store.
    """
    name = call.headers.get(_HEADER, b"").decode("latin-1")
    if not name or call.caller is None:
        return False
    if len(name) > LONGEST_KEY:
        raise InvalidRequest(f"The idempotency key is longer than {LONGEST_KEY} characters.")
    call.idempotency_key = name
    call.request_digest = hashlib.sha256(b"%b\0%b" % (call.where.path.encode(), call.body)).hexdigest()
    key, shared = (call.caller.owner, name), call.shared
    flight = shared.flights.find(key, call.request_digest)
    if flight is None:
        if (answer := shared.deps.answers.begin(*key, call.request_digest)) is not None:
            await _replay(call, answer)
            return True
        leader = copy.copy(call)
        call.is_recorded = call.is_admitted = False  # the copy keeps the record and the place in flight
        flight = shared.flights.begin(key, leader, asking)
    else:
        call.outcome, call.error_code, call.replay_of = "replayed", "", flight.call.call_id
    await _follow(call, flight)
    return True


async def _follow(call: Call, flight: Flight) -> None:
    call.on_leave = flight.wake
    await flight.deliver(call)


async def _replay(call: Call, answer: Answer) -> None:
    call.outcome, call.error_code, call.replay_of = "replayed", "", answer.call_id
    call.status, call.is_committed = answer.status, True
    headers = [
        (b"content-type", answer.content_type.encode("latin-1")),
        (REQUEST_ID_HEADER.encode(), call.call_id.encode()),
        (REPLAY_HEADER, answer.call_id.encode()),
        (b"content-length", b"%d" % len(answer.body)),
    ]
    call.answer_bytes = len(answer.body)
    settle(call)
    await call.client.answer(answer.status, headers, answer.body)
