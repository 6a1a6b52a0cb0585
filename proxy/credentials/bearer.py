"""Credentials that are a token in a header: Google's and Microsoft's."""

import time
from collections.abc import Mapping
from typing import Any

from proxy.credentials.renewing import Renewing
from proxy.credentials.source import NEVER_NS, Fresh, Request, SignInFailed
from proxy.errors import Headers

_SECOND_NS = 1_000_000_000


class BearerCredentials:
    """The same headers for every request, until they are renewed."""

    # Google's second one says whose quota a call counts against that a person's credentials pay for.
    names = frozenset(("authorization", "x-goog-user-project"))

    def __init__(self, renewing: Renewing[Headers]) -> None:
        self._renewing = renewing

    def headers(self, request: Request, method: str, body: bytes, now_ns: int) -> Headers:
        return self._renewing.current(now_ns)

    def doubt(self) -> None:
        self._renewing.doubt()


def fresh_token(answer: Mapping[str, Any]) -> Fresh[Headers]:
    """What a token endpoint has answered. Microsoft says its numbers as texts here and there."""
    now_ns = time.time_ns()
    try:
        headers = [(b"authorization", b"Bearer " + answer["access_token"].encode("ascii"))]
        if answer.get("expires_in") is not None:
            return Fresh(headers, now_ns + int(float(answer["expires_in"]) * _SECOND_NS))
        if answer.get("expires_on") is not None:
            return Fresh(headers, int(float(answer["expires_on"]) * _SECOND_NS))
    except (TypeError, ValueError):  # no cause: it may quote the token
        raise SignInFailed("malformed", "the token or its end is not what it should be", is_refused=False) from None
    return Fresh(headers, NEVER_NS)
