"""Foreign: a request in one dialect becomes one in another."""

from typing import Any

import msgspec
import orjson

from proxy.call import Call
from proxy.canonical.events import Failed
from proxy.canonical.failure import Failure, FailureKind
from proxy.canonical.request import Request
from proxy.conversations import Expanded
from proxy.dialects.codec import Codec, Encoder, Opening
from proxy.dialects.embeddings.hub import EmbedRequest
from proxy.dialects.naming import unusual_names
from proxy.dialects.registry import codec
from proxy.errors import Headers, InvalidRequest, ProxyError
from proxy.stages.adapt import adapt, report
from proxy.stages.conversation import echoed, with_history
from proxy.targets import Target

# Of the client's headers: what names it. All others speak its own dialect ('anthropic-beta', 'openai-organization').
_KEPT = frozenset((b"user-agent", b"traceparent", b"tracestate"))


class Foreign(msgspec.Struct, eq=False):
    """What a translated call keeps for its answer."""

    request: Request
    client: Codec
    provider: Codec
    opening: Opening
    expanded: Expanded | None = None  # a turn of a conversation that we keep
    encoder: Encoder | None = None  # of a stream under way
    embed: EmbedRequest | None = None  # what is to be embedded, instead of a request to answer
    names: dict[str, str] = {}  # of tools that had to be named otherwise for the provider


def render_foreign(call: Call, target: Target) -> tuple[Headers, bytes]:
    """Headers and body for the provider; sets `call.foreign`. Raises InvalidRequest."""
    client, provider = codec(call.dialect), codec(call.asked)
    said = loaded(call.body)
    expanded = with_history(call, said)
    request = client.parse_request(
        said if expanded is None else expanded.body, call.model, is_stream=call.head.stream is True
    )
    request.model = call.model
    assert call.caller is not None  # noqa: S101 - identify has run
    request = call.shared.memory.restore(call.caller.owner, request)
    rendered = provider.render_request(request)
    wanted, refused = adapt(call, target, rendered.body)
    report(call, [*rendered.losses, *refused])
    asked_model = call.head.model if isinstance(call.head.model, str) else call.model
    seconds = call.shared.deps.clock.now_ns() // 1_000_000_000
    opening = Opening(call.call_id, asked_model, seconds, echoed(request, expanded), [*rendered.losses, *refused])
    call.foreign = Foreign(request, client, provider, opening, expanded, names=unusual_names(request))
    return foreign_request_headers(call, target, rendered.headers), orjson.dumps(wanted)


def loaded(body: bytes) -> dict[str, Any]:
    """A request as plain values. Raises InvalidRequest."""
    try:
        loaded = orjson.loads(body)
    except orjson.JSONDecodeError as cause:
        raise InvalidRequest(f"The request is not valid JSON: {cause}.") from cause
    if not isinstance(loaded, dict):
        raise InvalidRequest("The request is not a JSON object.")
    return loaded


def foreign_request_headers(call: Call, target: Target, rendered: dict[str, str]) -> Headers:
    """Those of a translated request; `rendered` are what the dialect has it say."""
    headers = [header for header in call.said.sent_headers if header[0] in _KEPT and header[0] not in target.dropped]
    headers.append((b"content-type", b"application/json"))
    own = {name.lower().encode(): value.encode() for name, value in rendered.items()}
    headers.extend((name, value) for name, value in target.added if name not in own and name not in target.dropped)
    headers.extend((name, value) for name, value in own.items() if name not in target.dropped)
    return headers


def make_encoder(call: Call, foreign: Foreign) -> Encoder:
    """For the client's stream. Google's is an array for who did not ask for events."""
    if call.dialect == "gemini" and b"alt=sse" not in call.said.query:
        from proxy.dialects.gemini.encoder import GeminiEncoder  # noqa: PLC0415 - loaded by who translates

        foreign.encoder = GeminiEncoder(foreign.opening, is_array=True)
    else:
        foreign.encoder = foreign.client.encoder(foreign.opening)
    return foreign.encoder


_KINDS: dict[int, FailureKind] = {403: "permission", 503: "unavailable", 504: "timeout"}


def render_break(foreign: Foreign, error: ProxyError) -> bytes:
    """The end of a translated stream that we, or a lost connection, break off."""
    encoder = foreign.encoder
    if encoder is None:
        return b""
    kind = "truncated" if error.status == 502 else _KINDS.get(error.status, "server")
    return encoder.encode(Failed(Failure(kind, error.sentence, code=error.code))) + encoder.close()
