"""A no, as RFC 9457 has it. Some kinds carry more: a cycle its `path`, a body that is not valid its `errors`."""

import msgspec
from pointsman.contract import ErrorCode


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong with a request; `pointer` says where (RFC 6901)."""

    pointer: str
    message: str


class Problem(msgspec.Struct, frozen=True):
    """What went wrong: `code` is stable, `detail` is a sentence for the person."""

    type: str
    title: str
    status: int
    detail: str
    code: ErrorCode
    request_id: str
    errors: list[Fault] = []
