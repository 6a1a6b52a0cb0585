"""A browser's place in front of the board, from the first task to the last: it applies fragments and comes back.

It does what `web/static/js/live.js` does, by the rules of `tests/fakes/document.py`: a stream that breaks is opened
again with the last id, a `resync` fetches the page whole.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from typing import Self

import httpx2

from tests.fakes.document import Node, apply_fragments, read_html, truth

RETRY_SECONDS = 0.5
SILENCE_SECONDS = 40.0  # the server says something every 15 s
# All that tells of tasks; not the notes of restarts, which age without an event.
PARTS = ("indicator", "total", "pager", "columns", "bell", "spend")
_TIMES = re.compile(r"<time[^>]*>[^<]*</time>")  # ages tick in the browser
_INSTRUCTION = re.compile(r"<hx-partial .*?</hx-partial>", re.DOTALL)


class BoardViewer:
    """One signed-in person who looks at the board."""

    def __init__(self, url: str, sign_in_url: str) -> None:
        self._client = httpx2.AsyncClient(
            base_url=url, trust_env=False, timeout=httpx2.Timeout(20.0, read=SILENCE_SECONDS), follow_redirects=True
        )
        self._sign_in_url = sign_in_url
        self._page = Node("root")
        self._last_id = ""
        self.fragments = 0
        self.connects = 0
        self.resyncs = 0

    async def __aenter__(self) -> Self:
        (await self._client.get(self._sign_in_url)).raise_for_status()
        await self._load()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._client.aclose()

    async def watch(self) -> None:
        """Follows the stream until cancelled."""
        while True:
            try:
                async for kind, data in self._events():
                    await self._take(kind, data)
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(RETRY_SECONDS)

    def board(self) -> str:
        """What this person sees now."""
        return _without_times(truth(self._page, *PARTS))

    async def fresh_board(self) -> str:
        """What somebody sees who comes now."""
        return _without_times(truth(await self._fetch(), *PARTS))

    async def _load(self) -> None:
        self._page = await self._fetch()

    async def _fetch(self) -> Node:
        answer = (await self._client.get("/")).raise_for_status()
        page = read_html(answer.text)
        assert page.find("live") is not None, f"this is not the board: {answer.url}"
        return page

    async def _events(self) -> AsyncIterator[tuple[str, str]]:
        live = self._page.find("live")
        assert live is not None
        headers = {"Last-Event-ID": self._last_id} if self._last_id else {}
        async with self._client.stream("GET", live.attributes["hx-sse:connect"], headers=headers) as stream:
            stream.raise_for_status()
            self.connects += 1
            kind, lines = "message", list[str]()
            async for line in stream.aiter_lines():
                name, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if name == "id":
                    self._last_id = value
                elif name == "event":
                    kind = value
                elif name == "data":
                    lines.append(value)
                elif not line:
                    if lines:
                        yield kind, "\n".join(lines)
                    kind, lines = "message", []

    async def _take(self, kind: str, data: str) -> None:
        if kind == "resync":
            self.resyncs += 1
            await self._reload_main()
        elif data:
            self.fragments += 1
            for instruction in _INSTRUCTION.findall(data):
                if not self._is_older(instruction):
                    apply_fragments(self._page, instruction)

    def _is_older(self, instruction: str) -> bool:
        """Never an older fragment over a newer one, says live.js."""
        (partial,) = read_html(instruction).elements()
        element = next(iter(partial.elements()), None)
        if element is None or "data-v" not in element.attributes:
            return False
        is_placed = partial.attributes["hx-swap"] == "place"
        root = self._page.find(element.attributes["id"] if is_placed else partial.attributes["hx-target"][1:])
        return root is not None and int(element.attributes["data-v"]) < int(root.attributes.get("data-v", 0))

    async def _reload_main(self) -> None:
        """Changes what the page shows and leaves the stream as it is. Raises HTTPError: then the stream is reopened."""
        live = self._page.find("live")
        assert live is not None
        connected = live.attributes["hx-sse:connect"]
        while True:
            try:
                await self._load()
                break
            except httpx2.HTTPError:
                await asyncio.sleep(RETRY_SECONDS)
        again = self._page.find("live")
        assert again is not None
        again.attributes["hx-sse:connect"] = connected


def _without_times(text: str) -> str:
    return _TIMES.sub("<time>", text)
