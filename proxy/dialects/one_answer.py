"""What encoders share whose dialect has one answer to a request."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from proxy.canonical.events import Event
from proxy.dialects.codec import Opening
from proxy.dialects.losses import Losses


class OneAnswerEncoder(ABC):
    """Hands each event to the method in its table. Further answers are lost, and nothing follows the end."""

    __slots__ = ("_is_over", "_losses")

    _TAKERS: ClassVar[Mapping[type, Callable[[Any, Any], bytes]]]
    _OTHERS_LOST: ClassVar[tuple[str, str]]  # name of that loss, and its reason

    def __init__(self, opening: Opening) -> None:
        self._losses = Losses(opening.losses)
        self._is_over = False

    def encode(self, event: Event) -> bytes:
        if self._is_over:
            return b""
        if getattr(event, "choice", 0):
            self._losses.add(*self._OTHERS_LOST)
            return b""
        return self._begin(event) + self._TAKERS[type(event)](self, event)

    def close(self) -> bytes:
        return b""

    @abstractmethod
    def _begin(self, event: Event) -> bytes:
        """What stands before the first event that is written; asked for each."""
