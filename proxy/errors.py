"""Everything the proxy itself can answer with, each in the caller's dialect.

    ProxyError
    ├── CallerFault           the request is at fault: 4xx, do not send it again unchanged
    │   ├── InvalidRequest    400, 404, 405, 413, 415
    │   ├── InvalidKey        401
    │   ├── RunRevoked        403, with `x-should-retry: false`: the vendors' SDKs would retry a 409
    │   ├── UnknownModel      404
    │   ├── IdempotencyMismatch  422
    │   └── TooManyCalls      429, may be retried
    ├── UpstreamFault         the provider is at fault: 5xx, may be retried
    │   ├── UpstreamUnreachable  502, not one byte of the request was answered
    │   ├── UpstreamTimeout   504
    │   └── UpstreamCut       502, or an error event when the answer had begun
    ├── OwnFault              we are at fault: 5xx, may be retried
    │   ├── PolicyStale       503
    │   ├── NoCredentials     503, the gateway cannot prove itself to the provider; `NotYet`: who waits may go on
    │   ├── RunPaused         503 after a long wait, or an error event when the answer had begun
    │   └── InternalFault     500
    └── ClientLeft            nobody is there to be answered

Sentences are for the person who reads the client's log: they name what to do, never an address, a key or a traceback.
"""
# ruff: noqa: N818 - the tree names whose fault it is; "RunRevoked" needs no suffix to be an error

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import orjson
from pointsman.contract import REQUEST_ID_HEADER, ErrorCode

from proxy.wire.aws_events import render_message

# The wire format of a client or a provider. `openai` is its chat completions, `bedrock` Converse, `cohere` chat v2.
Dialect = Literal["openai", "responses", "anthropic", "gemini", "bedrock", "cohere"]
Headers = list[tuple[bytes, bytes]]


class ProxyError(Exception):
    """An answer of our own. `status`, `code` and `is_retryable` are fixed by the class unless handed in."""

    status = 500
    code: str = ErrorCode.INTERNAL
    is_retryable = False

    def __init__(
        self,
        sentence: str,
        *,
        status: int = 0,
        code: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.status = status or self.status
        self.code = code or self.code
        self.headers = dict(headers or {})


class CallerFault(ProxyError):
    status = 400
    code: str = ErrorCode.INVALID_REQUEST


class InvalidRequest(CallerFault): ...


class InvalidKey(CallerFault):
    status = 401
    code = ErrorCode.INVALID_KEY


class RunRevoked(CallerFault):
    status = 403
    code = ErrorCode.RUN_REVOKED

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, headers={"x-should-retry": "false"})


NO_MODEL = "The request names no model. Set 'model' to one of those that GET /v1/models lists."


class UnknownModel(CallerFault):
    status = 404
    code = ErrorCode.UNKNOWN_MODEL


class IdempotencyMismatch(CallerFault):
    status = 422
    code = ErrorCode.IDEMPOTENCY_MISMATCH


class TooManyCalls(CallerFault):
    status = 429
    code = "too_many_calls"
    is_retryable = True

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, headers={"retry-after": "1"})


class UpstreamFault(ProxyError):
    status = 502
    code = ErrorCode.UPSTREAM_ERROR
    is_retryable = True


class UpstreamUnreachable(UpstreamFault):
    code = ErrorCode.UPSTREAM_UNREACHABLE


class UpstreamTimeout(UpstreamFault):
    status = 504
    code = ErrorCode.UPSTREAM_TIMEOUT


class UpstreamCut(UpstreamFault):
    code = ErrorCode.UPSTREAM_CUT


class OwnFault(ProxyError):
    is_retryable = True


class PolicyStale(OwnFault):
    status = 503
    code = ErrorCode.POLICY_STALE

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence, headers={"retry-after": "5"})


class RunPaused(OwnFault):
    """Whoever holds the run is a person or a rule of ours: for the caller it is as if we were not ready."""

    status = 503
    code = ErrorCode.RUN_PAUSED

    def __init__(self, sentence: str) -> None:
        # The vendors' SDKs take `retry-after` up to 60 s, and `x-should-retry` before their own judgement.
        super().__init__(sentence, headers={"retry-after": "15", "x-should-retry": "true"})


class NoCredentials(OwnFault):
    """Never 401 or 403: a client would look at its own key, which is not what the provider asks for."""

    status = 503
    code = "provider_credentials"

    def __init__(self, provider: str, cause: str, retry_seconds: int, *, is_refused: bool) -> None:
        what = "was refused" if is_refused else "failed"
        super().__init__(
            f"The gateway has no valid credentials for provider {provider!r}: its own sign-in there {what} ({cause}). "
            "Your key is fine; whoever runs the gateway finds the reason in its log and has to look at the "
            f"configuration of {provider!r}.",
            headers={"retry-after": str(retry_seconds)} | ({"x-should-retry": "false"} if is_refused else {}),
        )


class NotYet(NoCredentials):
    """There are none, and nobody has failed to get them: await `ready`, then go on."""

    def __init__(self, provider: str, ready: Callable[[], Awaitable[None]]) -> None:
        super().__init__(provider, "none yet", 1, is_refused=False)
        self.ready = ready


class InternalFault(OwnFault): ...


class ClientLeft(ProxyError):
    """499 by nginx's custom: it stands in the log only."""

    status = 499
    code = "client_left"

    def __init__(self) -> None:
        super().__init__("The client closed its connection before the answer was complete.")


# https://platform.openai.com/docs/guides/error-codes, https://platform.claude.com/docs/en/api/errors (November 2026)
_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_OPENAI_CODES: dict[str, str] = {ErrorCode.UNKNOWN_MODEL: "model_not_found", ErrorCode.INVALID_KEY: "invalid_api_key"}
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}


# https://ai.google.dev/gemini-api/docs/troubleshooting (November 2026)
_GOOGLE_STATUSES = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED",
    429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip


# https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html (November 2026): the type that
# is answered with a status, and the one that is thrown inside a stream, of which there are only five.
_AMAZON_TYPES = {
    401: "UnrecognizedClientException", 403: "AccessDeniedException", 404: "ResourceNotFoundException",
    408: "ModelTimeoutException", 429: "ThrottlingException", 503: "ServiceUnavailableException",
    504: "ModelTimeoutException",
}  # fmt: skip
_AMAZON_BREAKS = {429: "throttlingException", 502: "modelStreamErrorException", 503: "serviceUnavailableException"}


def render_error(error: ProxyError, dialect: Dialect, request_id: str) -> tuple[int, Headers, bytes]:
    """Status, headers and body of our own answer."""
    headers = [
        (b"content-type", b"application/json"),
        (REQUEST_ID_HEADER.encode(), request_id.encode()),
        *((name.encode(), value.encode()) for name, value in error.headers.items()),
    ]
    if dialect == "bedrock":
        headers += amazon_headers(_amazon_type(error), request_id)
    body = orjson.dumps(_content(error, dialect, request_id))
    headers.append((b"content-length", b"%d" % len(body)))
    return error.status, headers, body


def render_error_event(error: ProxyError, dialect: Dialect, request_id: str) -> bytes:
    """The same inside of a stream that has begun: a stream that fails ends with an error, never with silence."""
    if dialect == "bedrock":
        return _amazon_break(error)
    if dialect == "cohere":
        last = {"type": "message-end", "delta": {"error": error.sentence, "finish_reason": "ERROR"}}
        return b"event: message-end\ndata: " + orjson.dumps(last) + b"\n\ndata: [DONE]\n\n"
    if dialect == "responses":
        detail = _openai(error)["error"]
        event = {"type": "error", "code": detail["code"], "message": detail["message"], "param": None}
        return b"event: error\ndata: " + orjson.dumps({**event, "sequence_number": 0}) + b"\n\n"
    prefix = b"event: error\ndata: " if dialect == "anthropic" else b"data: "
    return prefix + orjson.dumps(_content(error, dialect, request_id)) + b"\n\n"


def _content(error: ProxyError, dialect: Dialect, request_id: str) -> Mapping[str, object]:
    if dialect == "anthropic":
        return _anthropic(error, request_id)
    if dialect == "cohere":
        return {"id": request_id, "message": error.sentence, "code": error.code}
    if dialect == "bedrock":
        return {"__type": _amazon_type(error), "message": error.sentence, "reason": error.code}
    return _google(error) if dialect == "gemini" else _openai(error)


def _openai(error: ProxyError) -> dict[str, dict[str, object]]:
    kind = _OPENAI_TYPES.get(error.status) or ("server_error" if error.status >= 500 else "invalid_request_error")
    code = _OPENAI_CODES.get(error.code, error.code)
    return {"error": {"message": error.sentence, "type": kind, "param": None, "code": code}}


def _anthropic(error: ProxyError, request_id: str) -> dict[str, object]:
    kind = _ANTHROPIC_TYPES.get(error.status) or ("api_error" if error.status >= 500 else "invalid_request_error")
    detail = {"type": kind, "message": error.sentence, "code": error.code}
    return {"type": "error", "error": detail, "request_id": request_id}


def _google(error: ProxyError) -> dict[str, object]:
    status = _GOOGLE_STATUSES.get(error.status) or ("INTERNAL" if error.status >= 500 else "INVALID_ARGUMENT")
    reason = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": error.code, "domain": "pointsman"}
    return {"error": {"code": error.status, "message": error.sentence, "status": status, "details": [reason]}}


def amazon_headers(kind: str, request_id: str) -> Headers:
    """Where Amazon's libraries look first for what went wrong, and for the id."""
    return [(b"x-amzn-errortype", kind.encode()), (b"x-amzn-requestid", request_id.encode())]


def _amazon_type(error: ProxyError) -> str:
    return _AMAZON_TYPES.get(error.status) or (
        "InternalServerException" if error.status >= 500 else "ValidationException"
    )


def _amazon_break(error: ProxyError) -> bytes:
    usual = "internalServerException" if error.status >= 500 else "validationException"
    headers = {
        ":message-type": "exception",
        ":exception-type": _AMAZON_BREAKS.get(error.status, usual),
        ":content-type": "application/json",
    }
    return render_message(headers, orjson.dumps({"message": error.sentence, "reason": error.code}))
