"""Pass bytes: sound, pictures and files, on their way as they come. Nobody reads them, no one keeps them."""

from proxy.call import Call
from proxy.dialects.reading import Reading
from proxy.errors import Headers
from proxy.stages.answer_head import doubt_credentials
from proxy.stages.settle import settle
from proxy.upstream.attempt import Attempt


async def pass_bytes(call: Call, attempt: Attempt, headers: Headers) -> None:
    """Raises UpstreamFault when the answer is cut."""
    length = [header for header in attempt.headers if header[0] == b"content-length"]
    call.status, call.is_committed = attempt.status, True
    call.reading = Reading(is_complete=True)
    await call.client.start(attempt.status, headers + length)
    part = await attempt.next()
    while part and not attempt.is_complete:
        call.answer_bytes += len(part)
        await call.client.write(part)
        part = await attempt.next()
    call.answer_bytes += len(part)
    call.succeed()
    if attempt.status >= 400:
        call.outcome, call.error_code = "error", f"status_{attempt.status}"
        doubt_credentials(call)
    settle(call)
    await call.client.end(part)
