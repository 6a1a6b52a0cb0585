"""Send: the record that we ask, then the request, then the head of the answer."""

from proxy.bookkeeping import write_started
from proxy.call import Call
from proxy.errors import ClientLeft


async def send(call: Call) -> None:
    """Returns when the provider has begun to answer. Raises UpstreamFault, or ClientLeft when nobody waits any more."""
    deps, target = call.shared.deps, call.target
    assert target is not None  # noqa: S101 - render has run
    write_started(call)
    if call.has_client_left:
        raise ClientLeft
    call.begun_ns = deps.clock.monotonic_ns()
    attempt = call.attempt = deps.upstream.attempt(target.origin, call.request, target.provider.name)
    try:
        await attempt.answered()
    finally:
        call.asked_ns, call.answered_ns = attempt.asked_at_ns, attempt.answered_at_ns
    call.upstream_status = attempt.status
