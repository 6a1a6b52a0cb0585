"""What was answered to requests, for those whose repetition no workflow recognises."""

from sqlalchemy import Text
from sqlmodel import Field

from controlplane.store.base import ControlTable, big


class AnsweredRequest(ControlTable, table=True):
    """The answer to one `Idempotency-Key`, sent again to a repeated request for a day. Never one that holds a key."""

    __tablename__ = "answered_requests"
    command_id: str = Field(primary_key=True)  # without its digest of what was asked
    workspace_id: str
    asked: str  # that digest: the same key with another body is refused
    status: int
    answer: str = Field(sa_type=Text)
    at_ms: int = big(index=True)
