"""uvicorn's HTTP with one addition: an answer that is there as a whole goes out in one write.

ASGI hands over head and body apart, which is two system calls and two wake-ups of the client, and uvicorn searches each
header of ours with two regular expressions: together a tenth of a call. The addition is an ASGI extension
(https://asgi.readthedocs.io/en/latest/extensions.html), so the application runs in any other server too, but slower.
It touches what uvicorn 0.54 keeps of a request (`tests/integration/proxy/test_front.py` holds it) and can go when
uvicorn writes a head together with its body.
"""

from typing import Any

from typing_extensions import override
from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from proxy.app import WHOLE_ANSWER
from proxy.errors import Headers
from proxy.wire.head import render_headers


class Front(HttpToolsProtocol):
    """What `uvicorn.Config(http=…)` takes."""

    @override
    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Of the connection, not of the request: a scope that leads back to itself would be left to the collector.
        self._extensions: dict[str, dict[object, object]] = {WHOLE_ANSWER: {"send": self._answer}}
        self._asked: RequestResponseCycle | None = None

    @override
    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        self._asked = cycle  # not `self.cycle`: that is the last request read, of several sent together
        cycle.scope["extensions"] = self._extensions
        super()._start_asgi_task(cycle, app)

    def _answer(self, scope: object, status: int, headers: Headers, body: bytes) -> bool:
        asked = self._asked
        return asked is not None and asked.scope is scope and answer_whole(asked, status, headers, body)


def answer_whole(cycle: RequestResponseCycle, status: int, headers: Headers, body: bytes) -> bool:
    """Sends a whole answer; its `content-length` is among the headers. False for one that takes uvicorn's own way:

    the client reads slowly or has left, the connection is to be closed, or the answer has no body by its nature.
    """
    if cycle.flow.write_paused or cycle.disconnected or cycle.response_started or not cycle.keep_alive:
        return False
    if status in {204, 304} or cycle.scope["method"] == "HEAD":
        return False
    head = render_headers([*cycle.default_headers, *headers])
    cycle.transport.write(b"%b%b\r\n\r\n%b" % (STATUS_LINE[status], head, body))
    cycle.response_started = cycle.response_complete = True
    cycle.waiting_for_100_continue = False
    cycle.message_event.set()
    cycle.on_response()
    return True
