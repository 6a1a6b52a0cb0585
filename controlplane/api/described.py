"""What an endpoint declares of itself: its name, whom it lets in, what it answers, and which noes it may give.

One declaration is both the rule and its description. OpenAPI, the reference page and the table of who may call what
are made from it; `openapi.py` adds schemas and examples.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Depends
from pointsman.contract import REQUEST_ID_HEADER, ErrorCode, KeyKind

from controlplane.api.callers import LetIn
from controlplane.api.problems import STATUS, TITLES
from controlplane.api.views.answers import View

PROBLEM = "application/problem+json"
JSON = "application/json"
REQUEST_ID = {
    REQUEST_ID_HEADER: {
        "description": "The id of this request, also in our logs.",
        "required": True,
        "schema": {"type": "string"},
        "example": "req_01JD3Z6Y7QW4E0M2T8K5R9X1AB",
    }
}
ETAG = {
    "etag": {
        "description": "The task's revision, for `If-Match`.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9]+"$'},
        "example": '"7"',
    }
}
SHOULD_RETRY = {
    "x-should-retry": {
        "description": "Whether the same request may do better later.",
        "required": True,
        "schema": {"type": "string", "enum": ["true", "false"]},
        "example": "false",
    }
}
# What may be said of any command to a task: it is not there, its state forbids it, the engine cannot carry it.
TASK_REFUSES = (ErrorCode.NOT_FOUND, ErrorCode.ILLEGAL_TRANSITION, ErrorCode.REQUEST_TOO_LARGE)
ALWAYS = (ErrorCode.INVALID_KEY, ErrorCode.ENGINE_UNAVAILABLE, ErrorCode.INTERNAL)


def operation(
    operation_id: str,
    let_in: LetIn,
    returns: type[View] | None = None,
    *,
    status: int = 200,
    refuses: Iterable[ErrorCode] = (),
    headers: Mapping[str, Any] | None = None,
    answers: Mapping[int, Any] | None = None,
) -> dict[str, Any]:
    """Keywords for FastAPI's decorator. `answers` are further good answers; without `returns` the first is empty."""
    good = {"description": HTTPStatus(status).phrase, "headers": {**REQUEST_ID, **(headers or {})}}
    if returns is not None:
        good["content"] = {JSON: {"schema": schema_ref(returns)}}
    return {
        "operation_id": operation_id,
        "status_code": status,
        "dependencies": [Depends(let_in)],
        "responses": {status: good, **(answers or {}), **problems(_codes(let_in, refuses))},
        "openapi_extra": {"x-callers": [kind.value for kind in KeyKind if kind in let_in.kinds]},
    }


def schema_ref(view: type[View]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{view.__name__}"}


def _codes(let_in: LetIn, refuses: Iterable[ErrorCode]) -> set[ErrorCode]:
    """A run's key may be one too late, and a key of another kind one too few."""
    codes = {*ALWAYS, *refuses}
    if KeyKind.RUN in let_in.kinds:
        codes |= {ErrorCode.LEASE_LOST, ErrorCode.FORBIDDEN}
    if len(let_in.kinds) < len(KeyKind):
        codes.add(ErrorCode.FORBIDDEN)
    return codes


def problems(codes: Iterable[ErrorCode]) -> dict[int, dict[str, Any]]:
    """The noes by status, each with the codes that may stand in it."""
    by_status: dict[int, list[ErrorCode]] = {}
    for code in sorted(codes):
        by_status.setdefault(STATUS[code], []).append(code)
    return {status: problem_answer(status, codes) for status, codes in sorted(by_status.items())}


def problem_answer(status: int, codes: Iterable[ErrorCode]) -> dict[str, Any]:
    codes = sorted(codes)
    schema = {
        "allOf": [{"$ref": "#/components/schemas/Problem"}],
        "properties": {"code": {"enum": [code.value for code in codes]}, "status": {"const": status}},
    }
    return {
        "description": "; ".join(TITLES[code] for code in codes),
        "headers": {**REQUEST_ID, **SHOULD_RETRY},
        "content": {PROBLEM: {"schema": schema, "examples": {code.value: _example(code, status) for code in codes}}},
    }


def _example(code: ErrorCode, status: int) -> dict[str, Any]:
    value = {
        "type": f"urn:pointsman:problem:{code.value}",
        "title": TITLES[code],
        "status": status,
        "detail": f"{TITLES[code]}: here stands what is wrong with this request, and what to do.",
        "code": code.value,
        "request_id": "req_01JD3Z6Y7QW4E0M2T8K5R9X1AB",
    }
    return {"value": value}
