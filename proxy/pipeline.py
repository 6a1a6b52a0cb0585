"""The way of one call."""

import logging
from collections.abc import Coroutine
from typing import Any

from proxy.call import Call
from proxy.errors import (
    ClientLeft,
    InternalFault,
    NotYet,
    ProxyError,
    RunPaused,
    UpstreamCut,
    render_error,
    render_error_event,
)
from proxy.stages.admit import admit
from proxy.stages.conversation import answer_kept
from proxy.stages.count import count
from proxy.stages.foreign import render_break
from proxy.stages.guard import guard
from proxy.stages.park import park
from proxy.stages.recall import is_keyed, recall
from proxy.stages.receive import Receive, check_head, receive
from proxy.stages.render import render
from proxy.stages.route import route
from proxy.stages.send import send
from proxy.stages.settle import settle
from proxy.stages.translate import translate

log = logging.getLogger(__name__)


async def run(call: Call, source: Receive) -> None:
    """From the head of a request to the last byte of its answer. A failed call is answered, not raised."""
    await attend(call, _steps(call, source))


async def attend(call: Call, steps: Coroutine[Any, Any, None]) -> None:
    """The rest of a call, from where it is: `steps` raise what it fails with."""
    try:
        await steps
    except ProxyError as error:
        await refuse(call, error)
    except Exception as error:  # noqa: BLE001 - the outermost handler: even our own fault is answered
        await refuse(call, internal(call, error))
    finally:
        leave(call)


def leave(call: Call) -> None:
    """Gives back what a call holds, and settles it if nothing has; once it is over, however it ended."""
    call.shared.watches.leave(call)
    if call.attempt is not None:
        call.attempt.release()
    settle(call)


async def _steps(call: Call, source: Receive) -> None:
    """Who it is comes first: a stranger does not make us hold a body."""
    meet(call)
    await receive(call, source)
    enter(call, source)
    await proceed(call)


def meet(call: Call) -> None:
    """What the head of a request decides: who asks, and whether we shall read on."""
    call.caller = call.shared.callers.find(call.headers, call.policy)
    check_head(call)


def enter(call: Call, source: Receive | None = None) -> None:
    """What is looked at before a request may cost anything. Without a source its client's connection is watched."""
    assert call.caller is not None  # noqa: S101 - identify has run
    shared = call.shared
    shared.watches.enter(call, source)
    admit(call.caller, shared.deps, shared.in_flight)
    call.is_admitted = True
    guard(call)


async def proceed(call: Call) -> None:
    """From a call that has entered to its end."""
    assert call.caller is not None  # noqa: S101 - identify has run
    if call.caller.hold is not None:
        await park(call)
    if not (is_keyed(call) and await recall(call, ask)):
        await ask(call)


async def ask(call: Call) -> None:
    """From a request that may be asked to an answer. Alone for a keyed call, which outlives its client."""
    try:
        if call.dialect == "responses" and call.where.operation == "other" and await answer_kept(call):
            return
        route(call)
        if call.where.operation == "count_tokens" and not call.is_native:
            await count(call)
            return
        try:
            render(call)
        except NotYet as waiting:  # only the first calls to a provider whose credentials renew themselves
            await waiting.ready()
            render(call)
        await send(call)
        await translate(call)
    except ProxyError as error:
        await refuse(call, error)
    except Exception as error:  # noqa: BLE001 - as above
        await refuse(call, internal(call, error))
    finally:
        if call.attempt is not None:
            call.attempt.release()
        settle(call)


async def refuse(call: Call, error: ProxyError) -> None:
    """Ends a call that did not succeed: with an error in its dialect, inside of the stream when that has begun."""
    if not call.is_settled:
        call.error_code = error.code
    if isinstance(error, ClientLeft):
        call.outcome = "client_left"
        call.status = call.status or error.status
        settle(call)
        return
    is_cut = call.is_committed and (call.is_cut or isinstance(error, UpstreamCut))
    is_refused = error.status < 500 or isinstance(error, RunPaused)
    call.outcome = "truncated" if is_cut else "refused" if is_refused else "error"
    if call.is_committed:
        # Settled before it failed: its terminal event was passed on, and to the client the answer is complete.
        is_told = call.is_settled and not call.is_cut
        settle(call)
        await call.client.end(b"" if is_told else _render_break(call, error))
        return
    status, headers, body = render_error(error, call.dialect, call.call_id)
    call.status = status
    call.keep_part(body)
    settle(call)
    call.is_committed = True
    await call.client.answer(status, headers, body)


def _render_break(call: Call, error: ProxyError) -> bytes:
    """What a stream that has begun ends with. In some dialects only its encoder knows how: it has numbered events."""
    if call.foreign is not None and call.dialect in {"responses", "gemini"}:
        return render_break(call.foreign, error)
    return render_error_event(error, call.dialect, call.call_id)


def internal(call: Call, error: Exception) -> InternalFault:
    """The one place that logs a fault of our own, with its traceback; the client gets its request id."""
    log.error("a call failed inside of the proxy", exc_info=error, extra={"call_id": call.call_id})
    return InternalFault("The gateway failed inside. The request id names the entry in its log.")
