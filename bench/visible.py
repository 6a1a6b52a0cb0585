"""`python -m bench.visible`: how long after a command the change stands in somebody else's browser.

Ten commands a second over the JSON API: new tasks and new titles, each with a word that was never there before. Viewers
follow the board over the live stream, as browsers do, and note when a message with that word arrives; with `--browser`
a real one with the page open notes when the word is in its document. The clock starts when the command is sent.
"""

import argparse
import asyncio
import itertools
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from urllib.parse import urlsplit

from bench.history import Place, open_lives, workspace_of, write
from bench.line import Line
from bench.stage import agents_of, metered, percentiles, session_cookie, stage, until_quiet
from controlplane.store.database import open_database
from tests.product import Product

WORD = "zebra"
WATCH = """word => { window.seen = {}; const look = node => {
  for (const found of (node.textContent ?? "").matchAll(new RegExp(word + "[0-9]+", "g")))
    window.seen[found[0]] ??= Date.now(); };
  new MutationObserver(all => all.forEach(one => { look(one.target); one.addedNodes.forEach(look); }))
    .observe(document.querySelector("main"), {subtree: true, childList: true, characterData: true}); }"""


@dataclass
class Sent:
    """When each word was sent, and the command answered."""

    at: dict[str, float] = field(default_factory=dict)
    answered: list[float] = field(default_factory=list)


@dataclass
class Viewer:
    """A live stream of the board, and when it brought each word first."""

    url: str
    cookie: str
    seen: dict[str, float] = field(default_factory=dict)

    async def follow(self, is_open: asyncio.Event) -> None:
        place = urlsplit(self.url)
        page = Line(self.url, "", headers=f"cookie: {self.cookie}\r\n")
        text = (await page.ask("GET", "/")).decode()
        await page.close()
        live = text.partition('hx-sse:connect="')[2].partition('"')[0].replace("&amp;", "&")
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 24)
        try:
            writer.write(f"GET {live} HTTP/1.1\r\nhost: {place.netloc}\r\ncookie: {self.cookie}\r\n\r\n".encode())
            await reader.readuntil(b"\r\n\r\n")
            is_open.set()
            while line := await reader.readline():
                for part in line.split(WORD.encode())[1:]:
                    digits = bytes(itertools.takewhile(lambda byte: 48 <= byte <= 57, part)).decode()
                    self.seen.setdefault(WORD + digits, time.time())
        finally:
            writer.close()


async def command(admin: Line, index: int, refs: list[str], sent: Sent) -> None:
    """A new task, then its new title, on a connection of its own: at this pace they overlap."""
    word = f"{WORD}{index}"
    sent.at[word] = began = time.time()
    if index % 2 == 0 or not refs:
        made = await admin.ask("POST", "/api/v1/tasks", {"title": f"A {word} is new", "priority": 1})
        refs.append(made["ref"])
    else:
        await admin.ask("POST", f"/api/v1/tasks/{refs[-1]}/edit", {"title": f"A {word} has changed"})
    sent.answered.append(time.time() - began)
    await admin.close()


async def send_all(product: Product, rate: float, seconds: float) -> Sent:
    """At a steady pace, whether earlier ones were answered or not."""
    sent, refs = Sent(), list[str]()
    began = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for index in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + index / rate - time.monotonic()))
            group.create_task(command(Line(product.web_url, product.admin_key), index, refs, sent))
    return sent


async def measure(product: Product, options: argparse.Namespace) -> None:
    cookie = await session_cookie(product)
    if options.open:
        await seed(product, options.open)
        await until_quiet(product)
    viewers = [Viewer(product.web_url, cookie) for _ in range(options.viewers)]
    opened = [asyncio.Event() for _ in viewers]
    following = [asyncio.ensure_future(viewer.follow(event)) for viewer, event in zip(viewers, opened, strict=True)]
    async with asyncio.timeout(30):
        await asyncio.gather(*(event.wait() for event in opened))
    with metered(product) as usage:
        if options.browser:
            sent, browsed = await browse(product, cookie, partial(send_all, product, options.rate, options.seconds))
        else:
            sent, browsed = await send_all(product, options.rate, options.seconds), {}
        await asyncio.sleep(2)  # for the last to arrive: what has not by then counts as missing
    for follower in following:
        follower.cancel()
    print(f"{options.rate:g} commands a second, {options.open} open tasks, {options.viewers} streams")
    print(f"  answered              {percentiles(sent.answered)}")
    for name, seen in (*((f"stream {n}", viewer.seen) for n, viewer in enumerate(viewers[:2])), ("browser", browsed)):
        waits = [seen[word] - at for word, at in sent.at.items() if word in seen]
        missing = len(sent.at) - len(waits)
        if seen:
            print(
                f"  visible in {name:10} {percentiles(waits)}; {missing} of {len(sent.at)} never (changed again before)"
            )
    print(f"  CPU a command (ms): {usage.row(len(sent.at))}; others used {usage.others:.2f} cores")


async def browse(product: Product, cookie: str, send: Callable[[], object]) -> tuple[Sent, dict[str, float]]:
    """The same with a real browser that has the board open."""
    from playwright.async_api import async_playwright  # noqa: PLC0415 - only who asks for a browser needs one

    name, _, value = cookie.partition("=")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = await browser.new_context()
        await context.add_cookies([{"name": name, "value": value, "url": product.web_url}])
        page = await context.new_page()
        await page.goto(product.web_url)
        await page.evaluate(WATCH, WORD)
        sent: Sent = await send()  # type: ignore[misc]  # a coroutine function
        await asyncio.sleep(2)
        seen: dict[str, float] = await page.evaluate("window.seen")
        await browser.close()
    return sent, {word: at / 1000 for word, at in seen.items()}


async def seed(product: Product, count: int) -> None:
    """A board of that many open tasks."""
    admin = Line(product.web_url, product.admin_key)
    team = await agents_of(admin, 12)
    await admin.close()
    place = Place(*workspace_of(product), tuple(agent.agent_id for agent in team))
    database = open_database(f"sqlite+aiosqlite:///{product.home / 'control.sqlite'}")
    try:
        await write(database, open_lives(place, range(1, count + 1)))
    finally:
        await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rate", type=float, default=10)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--viewers", type=int, default=5)
    parser.add_argument("--open", type=int, default=0, help="open tasks that are on the board before")
    parser.add_argument("--browser", action="store_true", help="also in Chromium")
    options = parser.parse_args()
    with stage() as product:
        asyncio.run(measure(product, options))


if __name__ == "__main__":
    main()
