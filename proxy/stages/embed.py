"""Embed: texts for a provider that takes them in another form, and its vectors back in the client's."""

import orjson

from proxy.call import Call
from proxy.canonical.request import Request
from proxy.dialects.codec import Opening
from proxy.dialects.embeddings.codecs import embed_codec
from proxy.dialects.reading import Reading
from proxy.dialects.registry import codec
from proxy.errors import Headers, UpstreamFault
from proxy.stages.adapt import report
from proxy.stages.answer_head import headers_as_text, withhold
from proxy.stages.foreign import Foreign, foreign_request_headers, loaded
from proxy.stages.foreign_answer import send_whole
from proxy.targets import Target
from proxy.upstream.attempt import Attempt


def render_embed(call: Call, target: Target) -> tuple[Headers, bytes]:
    """Headers and body for the provider; sets `call.foreign`. Raises InvalidRequest."""
    request = embed_codec(call.dialect).parse_request(loaded(call.body), call.model)
    request.model = call.model
    rendered = embed_codec(call.asked).render_request(request)
    report(call, rendered.losses)
    opening = Opening(call.call_id, call.model)
    asked = Request(call.dialect, call.model)
    call.foreign = Foreign(asked, codec(call.dialect), codec(call.asked), opening, embed=request)
    return foreign_request_headers(call, target, rendered.headers), orjson.dumps(rendered.body)


async def answer_embeddings(call: Call, attempt: Attempt, foreign: Foreign, body: bytes) -> None:
    """Raises UpstreamFault for an answer without vectors, RunRevoked when it is withheld."""
    request = foreign.embed
    assert request is not None  # noqa: S101 - `render_embed` was here
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        content = None
    found = embed_codec(call.asked).parse_answer(content, headers_as_text(attempt.headers)) if content else None
    if found is None or not found.vectors:
        raise UpstreamFault(f"Provider {attempt.provider!r} answered without vectors.")
    call.reading = Reading(usage=found.usage, model=found.model, response_id=found.id, is_complete=True)
    withhold(call)
    call.succeed()
    await send_whole(call, attempt, orjson.dumps(embed_codec(call.dialect).render_answer(found, request)))
