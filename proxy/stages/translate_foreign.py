"""Translate, between dialects: whole or streamed, whichever the client asked for and the provider gave."""

from typing import Any

import orjson

from proxy.call import Call
from proxy.canonical.events import Event, Failed
from proxy.canonical.folding import unfold
from proxy.errors import UpstreamFault
from proxy.stages.answer_head import doubt_credentials, headers_as_text
from proxy.stages.embed import answer_embeddings
from proxy.stages.foreign import Foreign
from proxy.stages.foreign_answer import answer, make_failure, make_whole
from proxy.stages.foreign_relay import Relay
from proxy.stages.whole import Whole
from proxy.upstream.attempt import Attempt
from proxy.wire.content import plain
from proxy.wire.sse import looks_streamed

_STREAMS = (b"text/event-stream", b"application/vnd.amazon.eventstream")


async def translate_foreign(call: Call, attempt: Attempt, foreign: Foreign) -> None:
    """Answers in the client's dialect. Raises UpstreamFault when it is cut, RunRevoked when it is withheld."""
    said = attempt.by_name
    is_streamed = said.get(b"content-type", b"").startswith(_STREAMS)
    encoding = said.get(b"content-encoding", b"").strip().lower()
    if attempt.status >= 400:
        doubt_credentials(call)
        body = plain(await attempt.read(), encoding)
        failure = foreign.provider.parse_failure(attempt.status, headers_as_text(attempt.headers), body)
        await answer(call, make_failure(call, attempt, foreign, failure))
    elif foreign.embed is not None:
        await answer_embeddings(call, attempt, foreign, plain(await attempt.read(), encoding))
    elif is_streamed and call.head.stream is True:
        await Relay(call, attempt, foreign, encoding).run()
    else:
        body = plain(await attempt.read(), encoding)
        is_streamed = is_streamed or looks_streamed(body)  # whatever its header says: seen at OpenAI
        events = _decode(foreign, body) if is_streamed else _parse_whole(foreign, attempt, body)
        await answer(call, make_whole(call, attempt, foreign, events))


def take_foreign(call: Call, attempt: Attempt, foreign: Foreign) -> Whole | None:
    """Of a complete answer, without waiting, as `take_whole`; None for what `translate_foreign` has to look at.

    Raises UpstreamFault for what is no answer, RunRevoked when it is withheld.
    """
    if attempt.status >= 400 or foreign.embed is not None or b"content-encoding" in attempt.by_name:
        return None
    content_type, body = attempt.by_name.get(b"content-type", b""), attempt.take()
    is_stream = call.head.stream is True
    if is_stream and content_type.startswith(_STREAMS):
        return Relay(call, attempt, foreign, b"").take_whole(body)
    if is_stream or not content_type.startswith(b"application/json") or looks_streamed(body):
        attempt.put_back([body])
        return None
    return make_whole(call, attempt, foreign, _parse_whole(foreign, attempt, body))


def _decode(foreign: Foreign, body: bytes) -> list[Event]:
    decoder = foreign.provider.decoder()
    return [*decoder.feed(body), *decoder.close()]


def _parse_whole(foreign: Foreign, attempt: Attempt, body: bytes) -> list[Event]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        raise UpstreamFault(f"Provider {attempt.provider!r} answered with something that is not JSON.") from cause
    if _is_error(content):
        failure = foreign.provider.parse_failure(attempt.status, headers_as_text(attempt.headers), body)
        failure.status = 0  # that it came with says nothing
        return [Failed(failure)]
    return list(unfold(foreign.provider.parse_answer(content)))


def _is_error(content: Any) -> bool:
    """An error that came with status 200: nothing else stands beside it."""
    first = content[0] if isinstance(content, list) and content else content
    if not isinstance(first, dict):
        return True
    answers = ("choices", "content", "candidates", "output", "message", "promptFeedback")
    return not any(first.get(name) for name in answers) and (bool(first.get("error")) or first.get("type") == "error")
