"""The real product under a real browser: what was open before a process died is true afterwards, without a reload."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from tests.product import Product, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

BACK_MS = 30_000  # a child is back within seconds; on a busy machine the engine takes its time
NOBODYS = ("task", "create", "--needs", "nobody-crashes")  # the product is shared: no agent of another test takes it


@pytest.fixture
async def page(product: Product, chromium: Browser) -> AsyncIterator[Page]:
    """A board that a person has open. The product is whole again when it is left, for others share it."""
    page = await chromium.new_page()
    said = product.command("sign-in-link").stdout
    await page.goto(next(word for word in said.split() if "/sign-in/" in word))
    await page.locator("#live[data-live=on]").wait_for()
    yield page
    assert wait_until(lambda: product.command("doctor", check=False).returncode == 0, BACK_MS / 1000)


async def test_an_open_board_goes_on_after_web_was_killed_and_says_so(product: Product, page: Page) -> None:
    product.command(*NOBODYS, "Before the crash")
    await expect(page.locator("#cards-ready")).to_contain_text("Before the crash", timeout=BACK_MS)
    await page.evaluate("window.isTheSamePage = true")
    product.kill("web")
    await expect(page.locator("#live")).to_have_attribute("data-live", "waiting")
    await expect(page.locator("#live")).to_have_attribute("data-live", "on", timeout=BACK_MS)
    product.command(*NOBODYS, "After the crash")
    await expect(page.locator("#cards-ready")).to_contain_text("After the crash", timeout=BACK_MS)
    assert await page.evaluate("window.isTheSamePage")


async def test_what_happened_while_web_was_away_is_on_the_open_board_when_it_is_back(
    product: Product, page: Page
) -> None:
    product.command(*NOBODYS, "Seen before")
    await expect(page.locator("#cards-ready")).to_contain_text("Seen before", timeout=BACK_MS)
    await page.context.set_offline(True)
    product.command(*NOBODYS, "Made while the line was dead")
    product.kill("web")
    await page.context.set_offline(False)
    await expect(page.locator("#cards-ready")).to_contain_text("Made while the line was dead", timeout=BACK_MS)
