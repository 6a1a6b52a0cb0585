"""The JSON API under `/api/v1`: for agents, scripts and the command line. People's pages are `web`'s.

Words: a **problem** is an answer that says no (RFC 9457, always with a `code` of `pointsman.contract.ErrorCode`), a
**view** is the JSON of something. Every mutation may be repeated with the same `Idempotency-Key`.
"""

from controlplane.api.app import create_api
from controlplane.api.deps import ApiDeps

__all__ = ["ApiDeps", "create_api"]
