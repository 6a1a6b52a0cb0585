"""Send: the record that we ask, then the request, then the head of the answer."""

from proxy.bookkeeping import write_started
from proxy.call import Call
from proxy.errors import ClientLeft
from proxy.upstream.attempt import Attempt


async def send(call: Call) -> None:
    """Returns when the provider has begun to answer. Raises UpstreamFault, or ClientLeft when nobody waits any more.

    Of what the short way has done already, nothing is done again.
    """
    if not call.is_started:
        write_started(call)
    attempt = call.attempt or begin_attempt(call)
    try:
        await attempt.answered()
    finally:
        note_head(call, attempt)


def begin_attempt(call: Call) -> Attempt:
    """Nothing is sent yet. Raises ClientLeft."""
    deps, target = call.shared.deps, call.target
    assert target is not None  # noqa: S101 - render has run
    if call.has_client_left:
        raise ClientLeft
    call.begun_ns = deps.clock.monotonic_ns()
    call.attempt = deps.upstream.attempt(target.origin, call.request, target.provider.name)
    return call.attempt


def note_head(call: Call, attempt: Attempt) -> None:
    """How far it came, and when."""
    call.asked_ns, call.answered_ns = attempt.asked_at_ns, attempt.answered_at_ns
    call.upstream_status = attempt.status
