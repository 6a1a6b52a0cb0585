"""What a source of credentials answers, and how it fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from proxy.errors import Headers
from proxy.upstream.origin import Origin

_T = TypeVar("_T")

NEVER_NS = 2**63 - 1
LONGEST_REASON = 400  # characters
_LONGEST_CODE = 60


@dataclass(frozen=True, slots=True)
class Fresh(Generic[_T]):
    """Credentials as they came. They end at `expires_ns`, UTC; NEVER_NS: nobody said when."""

    value: _T
    expires_ns: int = NEVER_NS


Source = Callable[[], Fresh[_T]]  # blocks, so it is called in a thread; raises SignInFailed


class SignInFailed(Exception):  # noqa: N818 - said as a sentence, like those of proxy/errors.py
    """No credentials came.

    `code` is one word that clients may see, `reason` is for the log: neither ever holds a secret. `is_refused`: the
    cloud said no, so somebody has to change the configuration; else it may work the next time.
    """

    def __init__(self, code: str, reason: str, *, is_refused: bool) -> None:
        self.code = "".join(one for one in code if one.isalnum() or one in "_-.")[:_LONGEST_CODE] or "unknown"
        self.reason = " ".join(reason.split())[:LONGEST_REASON]
        self.is_refused = is_refused
        super().__init__(f"{self.code}: {self.reason}")


class Request(Protocol):
    """What of a target a signature covers."""

    @property
    def origin(self) -> Origin: ...

    @property
    def where(self) -> str:
        """Path and query, as they are sent."""
        ...


class Credentials(Protocol):
    """What makes a request to one provider valid."""

    @property
    def names(self) -> frozenset[str]:
        """The headers that it may write, in lower case: a client's own do not go on."""
        ...

    def headers(self, request: Request, method: str, body: bytes, now_ns: int) -> Headers:
        """To be added to a request that is sent now. Raises NoCredentials, or NotYet for who has to wait first."""
        ...

    def doubt(self) -> None:
        """The provider has said no to them: there may be others by now. Returns at once."""
        ...
