"""Adapt: what this provider wants otherwise than its dialect has it, and what it cannot do at all.

Beside `render`, for passed-through and translated requests alike.
"""

import logging
from collections.abc import Sequence

import orjson

from proxy.call import Call
from proxy.canonical.request import Loss
from proxy.errors import InvalidRequest
from proxy.providers.capabilities import unsupported_by, without_unsupported
from proxy.providers.known import Body
from proxy.targets import Target

DROPPED_HEADER = b"x-pointsman-dropped"
MOST_NAMED = 20  # names in a header or a sentence

log = logging.getLogger(__name__)


def adapt_text(call: Call, target: Target, body: bytes) -> bytes:
    """A passed-through request: decoded only when a name in it may need a change, written only when it did."""
    rows = unsupported_by(target.known.name, call.asked, call.model)
    names = [row.parameter for row in rows] + [name for quirk in target.quirks for name in quirk.members]
    if call.where.operation != "generate" or not any(b'"%b"' % name.encode() in body for name in names):
        return body
    before = orjson.loads(body)
    after, losses = adapt(call, target, before)
    report(call, losses)
    return body if after == before else orjson.dumps(after)


def adapt(call: Call, target: Target, body: Body) -> tuple[Body, list[Loss]]:
    """A request in the provider's dialect as this provider takes it."""
    rows = unsupported_by(target.known.name, call.asked, call.model)
    body, losses = without_unsupported(rows, body)
    for quirk in target.quirks:
        body = quirk.change(body)
    return body, losses


def report(call: Call, losses: Sequence[Loss]) -> None:
    """By the provider's policy: into a header of the answer, into the log only, or InvalidRequest (400)."""
    if not losses:
        return
    provider = call.provider
    assert provider is not None  # noqa: S101 - route has run
    if provider.unsupported == "reject":
        said = "; ".join(f"{loss.name!r} ({loss.reason})" for loss in losses[:MOST_NAMED])
        raise InvalidRequest(f"Provider {provider.name!r} cannot do all that is asked: {said}.")
    note(call, losses)
    log.info(
        "a provider did not get what it cannot do",
        extra={"call_id": call.call_id, "provider": provider.name, "dropped": call.dropped},
    )


def note(call: Call, losses: Sequence[Loss]) -> None:
    """For the record, and for the header: what was lost on the way there, and on the way back."""
    call.dropped = tuple(dict.fromkeys(loss.name for loss in losses))


def dropped_header(call: Call) -> list[tuple[bytes, bytes]]:
    """What the client is told: nothing, where the policy is to drop in silence."""
    if not call.dropped or call.provider is None or call.provider.unsupported != "warn":
        return []
    named = ", ".join(call.dropped[:MOST_NAMED])
    return [(DROPPED_HEADER, named.encode("ascii", "replace").replace(b"\n", b" ").replace(b"\r", b" "))]
