"""What can go wrong between an agent and Pointsman.

PointsmanError
├─ ConfigurationError    the program's fault: no key, no usable address
├─ ServerUnreachable     nobody answered, or the server is not ready; the same request may be sent again
├─ RequestRefused        the server's typed "no": `code`, `status` and `detail` say why; do not repeat it unchanged
│  ├─ InvalidKey         the key is unknown or revoked
│  └─ LeaseLost          this run no longer holds its task: stop, nothing of it counts any more
│     └─ TaskCancelled   … because a person stopped it
├─ RunEnded              the program's fault: this run was submitted, released or failed before
└─ VendorMissing         the vendor's client is not installed
"""

from collections.abc import Mapping
from typing import Any


class PointsmanError(Exception):
    """Base of all errors of this library; its text is one sentence for a person."""


class ConfigurationError(PointsmanError):
    """The address or the key is missing or makes no sense."""


class ServerUnreachable(PointsmanError):  # noqa: N818 - a state of the world, named as people say it
    """No usable answer came. The request may or may not have been applied: repeat it with the same id.

    `is_pointsman`: it was Pointsman itself that asked for patience, so the address is right.
    """

    def __init__(self, message: str, retry_after_seconds: float | None = None, *, is_pointsman: bool = False) -> None:
        super().__init__(message)
        self.is_pointsman = is_pointsman
        self.retry_after_seconds = retry_after_seconds


class RequestRefused(PointsmanError):  # noqa: N818 - a typed "no", not a fault
    """The server said no. `code` is a `pointsman.contract.ErrorCode`."""

    def __init__(self, message: str, *, code: str, status: int, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.detail = dict(detail or {})


class InvalidKey(RequestRefused):
    """The key is unknown, mistyped or revoked."""


class LeaseLost(RequestRefused):
    """The run was taken away: reassigned, cancelled, or given up after a long silence."""


class TaskCancelled(LeaseLost):
    """A person stopped the run."""


class RunEnded(PointsmanError):  # noqa: N818 - it is the event of an end, told to whoever acts after it
    """The run was ended by this program itself; a run ends once."""


class VendorMissing(PointsmanError):  # noqa: N818 - says what is missing
    """The vendor's Python client is not installed in this environment."""
