"""One request to Pointsman's JSON API, tried once: an answer, or one of our errors."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar

import httpx2
from pydantic import BaseModel, ValidationError

from pointsman.connection import Connection
from pointsman.contract import API_PREFIX, EPOCH_HEADER, IDEMPOTENCY_HEADER, ErrorCode
from pointsman.errors import InvalidKey, LeaseLost, PointsmanError, RequestRefused, ServerUnreachable
from pointsman.models import Problem, RunGrant

CONNECT_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 20.0  # the server gives its engine 5 s; more than a slow disk adds

Received = TypeVar("Received", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Request:
    """What to ask. A repeat of the same value is the same command: `command_id` makes it harmless."""

    method: str
    path: str
    body: dict[str, Any] | None = None
    run: RunGrant | None = field(default=None, repr=False)  # speak as this run, not as the agent
    command_id: str | None = None
    wait_seconds: float = 0.0  # how long the server may hold its answer on purpose
    content: bytes | None = field(default=None, repr=False)  # raw bytes instead of a JSON body
    headers: Mapping[str, str] = field(default_factory=dict)


class Api:
    """A connection pool to one server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._client = httpx2.AsyncClient(base_url=connection.url + API_PREFIX, trust_env=not connection.is_loopback)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Gives the sockets back."""
        await self._client.aclose()

    async def call(self, request: Request, shape: type[Received]) -> Received | None:
        """The answer in its shape, None when it has no body. Raises ServerUnreachable or a RequestRefused."""
        response = await self._send(request)
        if not response.is_success:
            raise parse_problem(response, self._connection.url)
        if not response.content:
            return None
        try:
            return shape.model_validate_json(response.content)
        except ValidationError as broken:
            raise PointsmanError(
                f"{self._connection.url} gave an answer that is not Pointsman's. Is POINTSMAN_URL right?"
            ) from broken

    async def text(self, request: Request) -> str:
        """The answer's body as it is. Raises like `call`."""
        response = await self._send(request)
        if not response.is_success:
            raise parse_problem(response, self._connection.url)
        return response.text

    async def _send(self, request: Request) -> httpx2.Response:
        patience = httpx2.Timeout(request.wait_seconds + ANSWER_SECONDS, connect=CONNECT_SECONDS)
        try:
            return await self._client.request(
                request.method,
                request.path,
                json=request.body,
                content=request.content,
                headers=self._headers(request),
                timeout=patience,
            )
        except (httpx2.TransportError, httpx2.DecodingError) as fault:
            raise ServerUnreachable(
                f"Pointsman does not answer at {self._connection.url} ({_reason(fault)}). "
                "Start it with `pointsman up`, or set POINTSMAN_URL."
            ) from fault

    def _headers(self, request: Request) -> dict[str, str]:
        key = request.run.key if request.run else self._connection.key
        headers = {**request.headers, "authorization": f"Bearer {key}"}
        if request.run:
            headers[EPOCH_HEADER] = str(request.run.epoch)
        if request.command_id:
            headers[IDEMPOTENCY_HEADER] = request.command_id
        return headers


def _reason(fault: Exception) -> str:
    if isinstance(fault, httpx2.TimeoutException):
        return "no answer in time"
    return str(fault) or type(fault).__name__


def parse_problem(response: httpx2.Response, url: str) -> PointsmanError:
    """The error that an answer which is no success means."""
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        problem = Problem(detail=f"{url} answered with status {response.status_code}.")
    status, code = response.status_code, problem.code
    sentence = problem.sentence or f"Refused with status {status}."
    if status == 429 or status >= 500:
        is_pointsman = code == ErrorCode.ENGINE_UNAVAILABLE
        return ServerUnreachable(sentence, _retry_after(response), is_pointsman=is_pointsman)
    kind: type[RequestRefused] = RequestRefused
    if code in {ErrorCode.LEASE_LOST, ErrorCode.RUN_REVOKED}:
        kind = LeaseLost
    elif status == 401:
        kind = InvalidKey
    return kind(sentence, code=code, status=status, detail=problem.members)


def _retry_after(response: httpx2.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    return float(text) if text.isdigit() else None
