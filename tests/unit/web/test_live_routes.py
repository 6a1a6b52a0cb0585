"""What a browser is answered that wants to follow a page."""

import asyncio
from typing import Any

import pytest

from tests.fakes.project import Yard

PAGES = [
    "frame",
    "board",
    "inbox",
    "inbox?item=n_1",
    "tasks/T-6",
    "agents",
    "agents/ag_1",
    "recurring",
    "recurring/rec_1",
]


async def begin(yard: Yard, path: str, cookie: str) -> tuple[int, str]:
    """Status and content type; the browser leaves as soon as it has them."""
    answered: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    has_asked = False

    async def receive() -> dict[str, Any]:
        nonlocal has_asked
        if not has_asked:
            has_asked = True
            return {"type": "http.request", "body": b""}
        await answered
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            answered.set_result(message)

    where, _, query = f"/live/{path}".partition("?")
    headers = [(b"host", b"testserver"), (b"cookie", f"pointsman_session={cookie}".encode())]
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": where, "raw_path": where.encode(), "query_string": query.encode(), "headers": headers,
        "server": ("testserver", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(yard.site.app(scope, receive, send), name="page")
        start = await answered
    found = dict(start["headers"])
    return start["status"], found.get(b"content-type", b"").decode().partition(";")[0]


def since(page: str, seq: int) -> str:
    return f"{page}{'&' if '?' in page else '?'}after={seq}"


@pytest.mark.parametrize("page", PAGES)
async def test_every_page_can_be_followed_by_who_is_signed_in(yard: Yard, page: str) -> None:
    assert await begin(yard, since(page, 1), yard.site.cookie) == (200, "text/event-stream")


@pytest.mark.parametrize("page", PAGES)
async def test_nobody_follows_a_page_who_has_not_signed_in(yard: Yard, page: str) -> None:
    status, kind = await begin(yard, since(page, 1), "stranger")
    assert (status, kind) != (200, "text/event-stream")
    assert status in {303, 401}


async def test_what_is_not_there_or_not_said_is_not_followed(yard: Yard) -> None:
    assert (await begin(yard, since("tasks/T-999", 1), yard.site.cookie))[0] == 404
    assert (await begin(yard, "board", yard.site.cookie))[0] == 400
