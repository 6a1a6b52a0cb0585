"""Cut: a stream whose run was revoked or frozen ends now, whatever its client is doing."""

from proxy.call import Call
from proxy.errors import ProxyError
from proxy.stages.settle import settle


def cut(call: Call, error: ProxyError) -> None:
    """Ends a stream under way; does nothing to a call that is asked for a whole answer, or is over.

    The provider sees its connection close and the call is billed at once: a client that does not read may never take
    the error that waits for it.
    """
    attempt = call.attempt
    if call.head.stream is not True or attempt is None or attempt.is_complete or call.is_settled:
        return
    call.is_cut = True
    attempt.abort(error)
    if call.is_committed:
        call.outcome, call.error_code = "truncated", error.code
        settle(call)
