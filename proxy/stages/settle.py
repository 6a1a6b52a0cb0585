"""Settle: what it cost, and the record of it. Exactly once, however the call ended."""

from proxy.bookkeeping import write_ended, write_started
from proxy.call import Call


def settle(call: Call) -> None:
    """Writes the records that are missing and gives the place in flight back. Called again it does nothing.

    Not async: nothing can interrupt it. Called before the last byte goes to the client, and again in a `finally` for
    calls that never came so far.
    """
    if call.is_settled:
        return
    call.is_settled = True
    caller = call.caller
    if caller is None:
        return
    if call.is_admitted:
        call.shared.in_flight.leave(caller.principal.key_id)
    if call.is_recorded:
        if not call.is_started:
            write_started(call)
        write_ended(call)
