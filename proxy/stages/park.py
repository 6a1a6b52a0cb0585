"""Park: a call of a held run waits until the run goes on; nothing was asked yet, nothing is lost."""

import asyncio

from proxy.bookkeeping import write_parked
from proxy.call import Call, Caller
from proxy.errors import ClientLeft


async def park(call: Call) -> None:
    """Returns when the call may go on. Raises RunPaused (503), RunRevoked (403), or ClientLeft."""
    caller, shared = call.caller, call.shared
    assert caller is not None  # noqa: S101 - identify has run
    shared.parking.check_room()
    changed = asyncio.Event()

    def again() -> Caller:
        if call.has_client_left:
            raise ClientLeft
        return shared.callers.find(call.headers, shared.deps.policy.current())

    write_parked(call)
    call.on_leave = changed.set
    try:
        call.caller = await shared.parking.wait(caller, again, changed)
    finally:
        call.on_leave = None
        call.begun_ns = shared.deps.clock.monotonic_ns()  # what came before was waiting
    call.policy = shared.deps.policy.current()
    shared.fence.rename(call)
