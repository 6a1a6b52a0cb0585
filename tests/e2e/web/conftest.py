"""A real browser on a real server: pages over a seeded project, with uvicorn and Chromium in the test's own loop."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from playwright.async_api import Browser, Error, Page, async_playwright

from tests.fakes.project import Yard, seed_project
from tests.fakes.site import running_site

pytestmark = pytest.mark.browser


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        except Error as error:
            pytest.skip(f"needs Chromium: {error.message.splitlines()[0]}")
        yield browser
        await browser.close()


@dataclass
class Visited:
    """A server with a seeded project, and browsers that visit it."""

    yard: Yard
    url: str
    browser: Browser

    async def visit(self, address: str = "/", *, has_scripts: bool = True, theme: str = "light") -> Page:
        """A page in a browser profile of its own, signed in; with scripts, when it is live."""
        context = await self.browser.new_context(
            java_script_enabled=has_scripts,
            color_scheme=theme,  # type: ignore[arg-type]
            viewport={
                "width": 1600,
                "height": 900,
            },  # five columns side by side: nothing scrolls away under the pointer
        )
        await context.add_cookies([{"name": "pointsman_session", "value": self.yard.site.cookie, "url": self.url}])
        page = await context.new_page()
        await page.goto(self.url + address)
        if has_scripts:
            await page.locator("#live[data-live=on]").wait_for()
        return page


@asynccontextmanager
async def served(app: object) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False))  # type: ignore[arg-type]
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve(), name="server")
        async with asyncio.timeout(10):
            while not server.started:
                await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        finally:
            server.should_exit = True


@pytest.fixture
async def visited(tmp_path: Path, chromium: Browser) -> AsyncIterator[Visited]:
    async with running_site(tmp_path) as site:
        yard = await seed_project(site)
        async with served(site.app) as url:
            yield Visited(yard, url, chromium)
            await chromium.close()
            site.station.hub.close()
