"""What every answer carries, and which requests are not even heard.

The content policy allows our own origin and nothing inline. A request that changes something must come from a page of
ours: browsers say so by `Sec-Fetch-Site` (not on plain http in a LAN) or by `Origin`. What says neither is no browser,
and carries no cookie but one that it was given on purpose.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "font-src 'self'",
        "connect-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
MAX_FORM_BYTES = 2_000_000  # a brief is text; what is larger is not a form of ours
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """ASGI middleware around the pages. The JSON API has keys instead of cookies and is passed through."""

    def __init__(self, app: ASGIApp, passed: str) -> None:
        self._app = app
        self._passed = passed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._passed):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["method"] not in _SAFE:
            if not is_same_origin(headers):
                await PlainTextResponse("This form was sent from another site.", 403)(scope, receive, send)
                return
            if _is_too_large(headers):
                await PlainTextResponse("This form is too large.", 413)(scope, receive, send)
                return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    answer.setdefault(name, value)
                answer.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_guarded)


def is_same_origin(headers: Headers) -> bool:
    """Does this request come from a page of ours, or from no page at all?"""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = headers.get("origin")
    return origin is None or urlsplit(origin).netloc == headers.get("host")


def _is_too_large(headers: Headers) -> bool:
    length = headers.get("content-length", "")
    return not length.isdecimal() or int(length) > MAX_FORM_BYTES if length else "transfer-encoding" in headers
