"""A "no" of the rules: typed, with a stable code, in words for the person."""

from typing import Any

import msgspec
from pointsman.contract import ErrorCode

from controlplane.domain.state import TaskStatus


class Refusal(msgspec.Struct, frozen=True):
    """A typed "no": the caller's fault, never an alarm. `code` is stable, `message` is for the person."""

    code: ErrorCode
    message: str
    detail: dict[str, Any] = {}


class Refused(Exception):  # noqa: N818 - it is the event of a refusal, carried to the one place that answers it
    """Raised by the rules, and caught in `decide`."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def refused(code: ErrorCode, message: str, **detail: Any) -> Refused:
    """To be raised."""
    return Refused(Refusal(code, message, detail))


def words_of(status: TaskStatus) -> str:
    """The status as it is said."""
    return status.replace("_", " ")
