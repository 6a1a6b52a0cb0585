"""What a dialect must be able to do to carry a simulated reply."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from proxy.simulated.conversation import Conversation
from proxy.simulated.model import Reply


@dataclass(frozen=True, slots=True)
class Envelope:
    """What surrounds a reply on the wire."""

    response_id: str
    request_id: str
    created: int  # seconds since the epoch
    conversation: Conversation
    reply: Reply


class Wire(Protocol):
    """One vendor's format. Each method returns what would stand on the wire, ready to be sent."""

    endpoint: ClassVar[str]
    id_prefix: ClassVar[str]

    def parse(self, body: Any) -> Conversation:
        """Raises `InvalidRequestError`, the client's fault."""
        ...

    def usage(self, envelope: Envelope) -> dict[str, Any]: ...

    def body(self, envelope: Envelope) -> dict[str, Any]: ...

    def frames(self, envelope: Envelope) -> Iterator[bytes]: ...

    def error(self, status: int, message: str, request_id: str, parameter: str | None = None) -> dict[str, Any]: ...

    def headers(self, request_id: str) -> Mapping[str, str]: ...
