"""The short way of a call: without a task, as long as there is nothing to wait for but its provider.

    start ── its record is safe ──▶ _ask ── the provider's news ──▶ _answer ── its record is safe ──▶ _finish

The stages are those of `proxy/pipeline.py`, and so is what happens when one fails. A call that has to wait for more
than that (a hold, an earlier call with its key, a connection, the rest of a stream, a slow client) goes on there in a
task, from where it is. Killed in between: as any call, see `proxy/app.py`; a record that has been entered and is not
yet safe is of a call that nobody has been asked for, or of an answer that nobody has got.
"""

from collections.abc import Coroutine
from functools import partial
from typing import Any, Protocol

from proxy.bookkeeping import make_started
from proxy.call import Call, Client
from proxy.errors import Headers, NotYet
from proxy.pipeline import ask, attend, enter, meet, proceed
from proxy.stages.recall import is_keyed
from proxy.stages.render import render
from proxy.stages.route import route
from proxy.stages.send import begin_attempt, note_head, send
from proxy.stages.settle import close_account
from proxy.stages.translate import translate
from proxy.stages.translate_foreign import take_foreign
from proxy.stages.whole import Whole, complete_headers, take_whole


class ShortClient(Client, Protocol):
    """A client whose connection we hold ourselves."""

    @property
    def is_slow(self) -> bool: ...

    def answer_now(self, status: int, headers: Headers, body: bytes) -> None: ...

    def stream_now(self, status: int, headers: Headers, body: bytes) -> None: ...

    def spawn(self, steps: Coroutine[Any, Any, None]) -> None: ...


def start(call: Call, client: ShortClient) -> None:
    """Begins with a call whose request is there as a whole. Returns at once."""
    try:
        meet(call)
        enter(call)
        is_held = call.caller is not None and call.caller.hold is not None
        if is_held or call.where.operation != "generate" or is_keyed(call):
            _go_on(call, client, proceed(call))
            return
        route(call)
        render(call)
        call.shared.journal.enter(make_started(call), partial(_ask, call, client))
    except NotYet:
        _go_on(call, client, ask(call))
    except Exception as error:  # noqa: BLE001 - told where it ends, as in the pipeline
        _fail(call, client, error)


def _ask(call: Call, client: ShortClient, error: OSError | None) -> None:
    if error is not None:
        _fail(call, client, error)
        return
    try:
        attempt = begin_attempt(call)
        if not attempt.ask_at_once(partial(_answer, call, client)):
            _go_on(call, client, _wait(call))
    except Exception as fault:  # noqa: BLE001 - as above
        _fail(call, client, fault)


def _answer(call: Call, client: ShortClient) -> None:
    """What the provider has sent in one go is most often all of it."""
    attempt = call.attempt
    assert attempt is not None  # noqa: S101 - it has news
    try:
        note_head(call, attempt)
        attempt.check()
        whole = None
        if attempt.is_complete and not client.is_slow:
            foreign = call.foreign
            whole = take_whole(call, attempt) if foreign is None else take_foreign(call, attempt, foreign)
        if whole is None:
            _go_on(call, client, _wait(call))
            return
        attempt.release()
        ended = close_account(call)
        assert ended is not None  # noqa: S101 - of a call with a caller, which is no one else's
        call.shared.journal.enter(ended, partial(_finish, call, client, whole))
    except Exception as fault:  # noqa: BLE001 - as above
        _fail(call, client, fault)


def _finish(call: Call, client: ShortClient, whole: Whole, error: OSError | None) -> None:
    if error is not None:
        _fail(call, client, error)
        return
    try:
        if whole.is_stream:
            client.stream_now(call.status, whole.headers, whole.body)
        else:
            client.answer_now(call.status, complete_headers(call, whole), whole.body)
        call.is_committed = True
        call.shared.watches.leave(call)  # all else was given back before
    except Exception as fault:  # noqa: BLE001 - as above
        _fail(call, client, fault)


async def _wait(call: Call) -> None:
    """For a connection, for an answer that is not yet whole, or until it can be translated."""
    await send(call)
    await translate(call)


def _go_on(call: Call, client: ShortClient, steps: Coroutine[Any, Any, None]) -> None:
    client.spawn(attend(call, steps))


def _fail(call: Call, client: ShortClient, error: Exception) -> None:
    _go_on(call, client, _raise(error))


async def _raise(error: Exception) -> None:
    raise error
