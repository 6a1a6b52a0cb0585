"""The server's addition against uvicorn's own cycle: the same bytes, in one write."""

import asyncio
import logging
from typing import Any

import pytest
from typing_extensions import override
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from proxy.front import answer_whole

HEADERS = [(b"content-type", b"application/json"), (b"x-request-id", b"c_1"), (b"content-length", b"2")]


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    @override
    def write(self, data: Any) -> None:
        self.writes.append(bytes(data))

    @override
    def close(self) -> None:
        pass

    @override
    def pause_reading(self) -> None:
        pass

    @override
    def resume_reading(self) -> None:
        pass


def cycle(transport: Transport, method: str = "POST", *, keep_alive: bool = True) -> RequestResponseCycle:
    logger = logging.getLogger(__name__)
    return RequestResponseCycle(
        scope={"type": "http", "method": method},  # type: ignore[typeddict-item]
        transport=transport,
        flow=FlowControl(transport),
        logger=logger,
        access_logger=logger,
        access_log=False,
        default_headers=[(b"date", b"Sat, 21 Nov 2026 12:00:00 GMT")],
        message_event=asyncio.Event(),
        expect_100_continue=False,
        keep_alive=keep_alive,
        on_response=lambda: None,
    )


async def test_a_whole_answer_is_one_write_of_what_uvicorn_writes_in_two() -> None:
    ours, theirs = Transport(), Transport()
    asked, uvicorns = cycle(ours), cycle(theirs)

    assert answer_whole(asked, 200, HEADERS, b"{}")
    await uvicorns.send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await uvicorns.send({"type": "http.response.body", "body": b"{}"})

    assert ours.writes == [b"".join(theirs.writes)]
    assert asked.response_complete
    assert asked.message_event.is_set()


@pytest.mark.parametrize("status", [204, 304])
async def test_an_answer_without_a_body_is_left_to_uvicorn(status: int) -> None:
    transport = Transport()
    assert not answer_whole(cycle(transport), status, HEADERS, b"")
    assert transport.writes == []


async def test_what_uvicorn_has_to_end_otherwise_is_left_to_it() -> None:
    transport = Transport()
    left, paused = cycle(transport), cycle(transport)
    left.disconnected = True
    paused.flow.pause_writing()

    assert not answer_whole(left, 200, HEADERS, b"{}")
    assert not answer_whole(paused, 200, HEADERS, b"{}")
    assert not answer_whole(cycle(transport, "HEAD"), 200, HEADERS, b"{}")
    assert not answer_whole(cycle(transport, keep_alive=False), 200, HEADERS, b"{}")
    assert transport.writes == []


async def test_a_header_that_smuggles_in_a_line_is_refused() -> None:
    transport = Transport()
    with pytest.raises(ValueError, match="line break"):
        answer_whole(cycle(transport), 200, [(b"x", b"1\r\nset-cookie: a")], b"")
    assert transport.writes == []
