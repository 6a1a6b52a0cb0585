"""What a wire format has to know: the shape of the modules behind `proxy/dialects/registry.py`.

Everything is sans-io: bytes and plain JSON values in, bytes and plain JSON values out. Any cut of the bytes gives the
same events. What is malformed beyond sense raises `InvalidRequest` (a client's request) or answers `Failed` (a
provider's answer); it never raises anything else.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from proxy.canonical.answer import Answer
from proxy.canonical.events import Event
from proxy.canonical.failure import Failure
from proxy.canonical.request import Loss, Rendered, Request
from proxy.errors import Dialect


class Opening(msgspec.Struct):
    """What an encoder knows before the first event."""

    id: str  # of the answer, when the provider gives none that fits: our call id
    model: str  # as the client asked for it
    created: int = 0  # seconds since the epoch
    request: Request | None = None  # what was asked; None when only an answer is at hand
    losses: list[Loss] = []  # the encoder adds what it could not say


class Decoder(Protocol):
    """Bytes of one provider's stream → events. Framing (SSE, AWS event stream) is its business."""

    def feed(self, data: bytes) -> Iterable[Event]: ...

    def close(self) -> Iterable[Event]: ...


class Encoder(Protocol):
    """Events → bytes of one client's stream, whole frames only. `close` is called once, after the last event."""

    def encode(self, event: Event) -> bytes: ...

    def close(self) -> bytes: ...


class ParseRequest(Protocol):
    def __call__(self, body: Mapping[str, Any], model: str = "", *, is_stream: bool | None = None) -> Request:
        """`model` and `is_stream` for dialects that say them in the path. Raises InvalidRequest."""
        ...


class Codec(msgspec.Struct, frozen=True, kw_only=True):
    """One wire format in both directions. Dialects that no client speaks (Bedrock, Cohere) still have all of it."""

    name: Dialect
    parse_request: ParseRequest
    render_request: Callable[[Request], Rendered]
    parse_answer: Callable[[Mapping[str, Any]], Answer]
    render_answer: Callable[[Answer, Opening], dict[str, Any]]
    decoder: Callable[[], Decoder]
    encoder: Callable[[Opening], Encoder]
    parse_failure: Callable[[int, Mapping[str, str], bytes], Failure]
    """Of status, headers (names in lower case), and any body: JSON of another form, HTML, nothing."""
    render_failure: Callable[[Failure, str], tuple[int, dict[str, Any]]]
    """Status and body in this dialect, with the request's id. Retry headers are the caller's business."""
