"""One shape for every no: `application/problem+json` (RFC 9457) with a stable `code`.

fault                          status   code                 retry
the rules said no              by code  the refusal's        no
body or query is not valid     422      invalid_request      no, `errors` points at what is wrong
not JSON at all                400      invalid_request      no
the task has moved on          412      revision_mismatch    no, look again
no such path or method         404/405  not_found            no; `allow` names the methods
engine or database is away     503      engine_unavailable   yes, with the same Idempotency-Key
our own fault                  500      internal             yes; the traceback is logged under `request_id`
"""

import logging
from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pointsman.contract import ErrorCode
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.routing import Match

from controlplane.commands import CommandRefused
from controlplane.ports import EngineUnavailable

log = logging.getLogger(__name__)

STATUS: Mapping[ErrorCode, int] = {
    ErrorCode.INVALID_REQUEST: 422,
    ErrorCode.INVALID_KEY: 401,
    ErrorCode.FORBIDDEN: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.REQUEST_TOO_LARGE: 413,
    ErrorCode.ILLEGAL_TRANSITION: 409,
    ErrorCode.DEPENDENCY_CYCLE: 409,
    ErrorCode.TASK_BLOCKED: 409,
    ErrorCode.TASK_HELD: 409,
    ErrorCode.REVISION_MISMATCH: 412,
    ErrorCode.LEASE_LOST: 409,
    ErrorCode.RUN_REVOKED: 403,
    ErrorCode.IDEMPOTENCY_MISMATCH: 422,
    ErrorCode.UPLOAD_OFFSET_MISMATCH: 409,
    ErrorCode.CHECKSUM_MISMATCH: 422,
    ErrorCode.TOO_MANY_UPLOADS: 429,
    ErrorCode.ENGINE_UNAVAILABLE: 503,
    ErrorCode.INTERNAL: 500,
}
TITLES: Mapping[ErrorCode, str] = {
    ErrorCode.INVALID_REQUEST: "The request is not valid",
    ErrorCode.INVALID_KEY: "The key is not valid",
    ErrorCode.FORBIDDEN: "Not allowed",
    ErrorCode.NOT_FOUND: "Not found",
    ErrorCode.REQUEST_TOO_LARGE: "The request is too large",
    ErrorCode.ILLEGAL_TRANSITION: "Not possible from here",
    ErrorCode.DEPENDENCY_CYCLE: "Tasks would wait for each other",
    ErrorCode.TASK_BLOCKED: "The task waits for others",
    ErrorCode.TASK_HELD: "The task is held",
    ErrorCode.REVISION_MISMATCH: "The task has changed since",
    ErrorCode.LEASE_LOST: "The task was taken away",
    ErrorCode.RUN_REVOKED: "The run has ended",
    ErrorCode.IDEMPOTENCY_MISMATCH: "The idempotency key was used before",
    ErrorCode.UPLOAD_OFFSET_MISMATCH: "The file goes on elsewhere",
    ErrorCode.CHECKSUM_MISMATCH: "The file is not the one that was announced",
    ErrorCode.TOO_MANY_UPLOADS: "Too many files are on their way",
    ErrorCode.ENGINE_UNAVAILABLE: "The engine does not answer",
    ErrorCode.INTERNAL: "Our fault",
}
METHODS = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
UNAVAILABLE = "Nothing is lost: try again with the same Idempotency-Key."


def problem(
    code: ErrorCode,
    message: str,
    request_id: str,
    *,
    status: int | None = None,
    members: Mapping[str, Any] | None = None,
) -> Response:
    """The answer. `members` are those of its kind, such as a cycle's `path`."""
    status = status or STATUS.get(code, 500)
    body = {
        **(members or {}),
        "type": f"urn:pointsman:problem:{code.value}",
        "title": TITLES.get(code, "Error"),
        "status": status,
        "detail": message,
        "code": code.value,
        "request_id": request_id,
    }
    headers = {"x-should-retry": "true" if status >= 500 else "false"}
    if status == 503:
        headers["retry-after"] = "1"
    if status == 401:
        headers["www-authenticate"] = "Bearer"
    return Response(msgspec.json.encode(body), status, headers, "application/problem+json")


def request_id_of(request: Request) -> str:
    """Given to each request by `api/requests.py`."""
    return str(request.scope["state"]["request_id"])


def answer_problems(app: FastAPI) -> None:
    """Translates every fault that can leave an endpoint."""

    async def refused(request: Request, error: Exception) -> Response:
        refusal = error.refusal if isinstance(error, CommandRefused) else None
        if refusal is None:
            raise error
        return problem(refusal.code, refusal.message, request_id_of(request), members=refusal.detail)

    async def unavailable(request: Request, error: Exception) -> Response:
        log.warning("not available", extra={"request_id": request_id_of(request), "reason": str(error)})
        return problem(ErrorCode.ENGINE_UNAVAILABLE, UNAVAILABLE, request_id_of(request))

    async def not_valid(request: Request, error: Exception) -> Response:
        return _not_valid(request, error.errors() if isinstance(error, RequestValidationError) else ())

    async def no_endpoint(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        response = _no_endpoint(request, status)
        if status == 405:
            response.headers["allow"] = ", ".join(_methods_at(request))
        return response

    app.add_exception_handler(CommandRefused, refused)
    app.add_exception_handler(EngineUnavailable, unavailable)
    app.add_exception_handler(OperationalError, unavailable)
    app.add_exception_handler(PoolTimeout, unavailable)
    app.add_exception_handler(RequestValidationError, not_valid)
    app.add_exception_handler(HTTPException, no_endpoint)


def _not_valid(request: Request, errors: Any) -> Response:
    faults = [{"pointer": _pointer(error["loc"]), "message": _sentence(error)} for error in errors]
    is_json = all(error["type"] != "json_invalid" for error in errors)
    first = faults[0] if faults else {"pointer": "", "message": "not valid"}
    return problem(
        ErrorCode.INVALID_REQUEST,
        f"{first['pointer'].lstrip('/') or 'The body'}: {first['message']}." if is_json else "The body is not JSON.",
        request_id_of(request),
        status=422 if is_json else 400,
        members={"errors": faults},
    )


def _pointer(location: tuple[str | int, ...]) -> str:
    """A JSON pointer into the body (RFC 6901); a query parameter by its name."""
    steps = location[1:] if location[:1] in {("body",), ("query",), ("path",), ("header",)} else location
    return "".join(f"/{step}" for step in steps)


def _sentence(error: Mapping[str, Any]) -> str:
    return "is not a known field" if error["type"] == "extra_forbidden" else str(error["msg"])


def _no_endpoint(request: Request, status: int) -> Response:
    path = request.url.path
    if status == 405:
        return problem(ErrorCode.NOT_FOUND, f"{request.method} is not for {path}.", request_id_of(request), status=405)
    if status == 404:
        return problem(ErrorCode.NOT_FOUND, f"There is nothing at {path}.", request_id_of(request))
    code = ErrorCode.INVALID_REQUEST if status < 500 else ErrorCode.INTERNAL
    return problem(code, "The body cannot be read.", request_id_of(request), status=status)


def _methods_at(request: Request) -> list[str]:
    """All that this path knows: the framework names those of its first route alone."""
    asked = ({**request.scope, "method": method} for method in METHODS)
    routes = request.app.routes
    return [scope["method"] for scope in asked if any(route.matches(scope)[0] is Match.FULL for route in routes)]
