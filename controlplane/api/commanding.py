"""Under which id a request is one command, however often it is sent, what its sender had seen before, and why."""

import hashlib
from typing import Annotated

from fastapi import Depends, Header, Request
from pointsman.contract import IdPrefix, new_id

from controlplane.api.bodies.tasks import Because
from controlplane.api.callers import KnownCaller
from controlplane.domain.commands import CONTENT_MARK


async def command_id(
    request: Request,
    caller: KnownCaller,
    idempotency_key: Annotated[
        str | None,
        Header(
            pattern=r"^[!-~]{1,200}$",
            description="The id of this command: sent again with the same one, it is done once and answered again.",
            examples=["01JD3Z6Y7Q"],
        ),
    ] = None,
) -> str:
    """From the client's `Idempotency-Key`, within its key and this endpoint: two clients may both count from 1.

    Its end says what was asked, so that the same key with another body is refused and not taken for a retry.
    """
    if idempotency_key is None:
        return new_id(IdPrefix.COMMAND)
    owner = f"{caller.agent_id or caller.key_id}|{request.method} {request.url.path}|{idempotency_key}"
    asked = hashlib.sha256(await request.body()).hexdigest()[:12]
    return f"cmd_{hashlib.sha256(owner.encode()).hexdigest()[:32]}{CONTENT_MARK}{asked}"


CommandId = Annotated[str, Depends(command_id)]


def expected_revision(
    if_match: Annotated[
        str | None,
        Header(
            pattern=r'^(\*|"[0-9]{1,9}")$',
            description="The task's ETag as it was seen: when the task has moved on since, 412 `revision_mismatch`.",
            examples=['"7"'],
        ),
    ] = None,
) -> int | None:
    """The revision in `If-Match`; None for `*` and for nothing, which both mean any."""
    return None if if_match in {None, "*"} else int(str(if_match).strip('"'))


ExpectedRevision = Annotated[int | None, Depends(expected_revision)]


def given_reason(body: Because | None = None) -> str:
    """The reason, in a body that may be left out."""
    return body.reason if body else ""


Reason = Annotated[str, Depends(given_reason)]
