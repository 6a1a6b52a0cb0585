"""Settle: what it cost, and the record of it. Exactly once, however the call ended."""

from proxy.bookkeeping import make_ended, write_started
from proxy.call import Call
from proxy.records import CallEnded


def settle(call: Call) -> None:
    """Writes the records that are missing and gives the place in flight back. Called again it does nothing.

    Not async: nothing can interrupt it. Called before the last byte goes to the client, and again in a `finally` for
    calls that never came so far.
    """
    if not call.is_settled and (ended := close_account(call)) is not None:
        call.shared.journal.write(ended)


def close_account(call: Call) -> CallEnded | None:
    """As `settle`, for who writes the last record himself; None for a call without one."""
    call.is_settled = True
    caller = call.caller
    if caller is None:
        return None
    if call.is_admitted:
        call.shared.in_flight.leave(caller.principal.key_id)
    if not call.is_recorded:
        return None
    if not call.is_started:
        write_started(call)
    return make_ended(call)
