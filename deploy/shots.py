"""Takes the pictures of docs/images from a product that runs: `python deploy/shots.py` (`make shots`).

Starts `pointsman demo` on a home of its own, waits until the story stands as the README shows it (one task stuck, work
in review), takes every page in both themes and widths, and stops it again. `--home HOME` uses one that runs already.
"""

import argparse
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

from playwright.sync_api import Browser, Page, StorageState, sync_playwright

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
STORY_SECONDS = 240
WIDTHS = {"": (1440, 900), "-390": (390, 844)}
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
ROUNDS_SHOWN = 6  # of the loop, before the picture of its evidence is taken


def main() -> None:
    """Takes all pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", type=Path, help="a home whose product runs the demo already")
    chosen = parser.parse_args()
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        with running("up") as home:
            take(browser, home, {"empty": "/", "signin": "/sign-in"})
        if chosen.home:
            take(browser, chosen.home, story(browser, chosen.home))
        else:
            with running("demo") as home:
                take(browser, home, story(browser, home))
                freeze(browser, home)
                take(browser, home, {"frozen": "/"})
        browser.close()


@contextmanager
def running(command: str) -> Iterator[Path]:
    """The product on a fresh home, until the block ends."""
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch) / "home"
        offset = str(random.randrange(13_000, 23_000))
        environment = {**os.environ, "POINTSMAN_HOME": str(home), "POINTSMAN_PORT_OFFSET": offset}
        start = [sys.executable, "-m", "controlplane.cli", command]
        process = subprocess.Popen(start, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
        try:
            wait_for(lambda: (home / "run.json").exists(), 90)
            yield home
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def wait_for(is_so: Callable[[], object], seconds: float) -> None:
    """Returns when `is_so()` is true, and fails after so many seconds."""
    until = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > until:
            raise SystemExit(f"shots: waited {seconds} s in vain")
        time.sleep(0.5)


def web_url(home: Path) -> str:
    return str(json.loads((home / "run.json").read_text(encoding="utf-8"))["web"]["url"])


def cookies(browser: Browser, home: Path) -> StorageState:
    """A signed-in browser's state."""
    environment = {**os.environ, "POINTSMAN_HOME": str(home)}
    link = [sys.executable, "-m", "controlplane.cli", "sign-in-link"]
    address = subprocess.run(link, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout.split()
    context = browser.new_context()
    context.new_page().goto(next(word for word in address if word.startswith("http")))
    state = context.storage_state()
    context.close()
    return state


def story(browser: Browser, home: Path) -> dict[str, str]:
    """Waits until the demo has something to show; the pages that show it."""
    key = (home / "admin-key").read_text(encoding="utf-8").strip()

    def tasks() -> list[dict[str, Any]]:
        request = urllib.request.Request(f"{web_url(home)}/api/v1/tasks", headers={"Authorization": f"Bearer {key}"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return list(json.load(answer)["tasks"])

    def revised() -> list[str]:
        return [str(task["ref"]) for task in tasks() if len(task["versions"]) > 1]

    context = browser.new_context(storage_state=cookies(browser, home))
    page = context.new_page()

    def stuck() -> bool:
        page.goto(web_url(home))
        card = page.locator(".card[data-signal=stuck] .why")
        rounds = re.search(r"(\d+) times", card.first.inner_text()) if card.count() else None
        is_late = sum(task["status"] == "done" for task in tasks()) >= 4
        return is_late and bool(revised()) and rounds is not None and int(rounds[1]) >= ROUNDS_SHOWN

    wait_for(stuck, STORY_SECONDS)
    ref = page.locator(".card[data-signal=stuck] .id").first.inner_text()
    reviewed = page.locator("#cards-in_review .id").first.inner_text()
    page.goto(f"{web_url(home)}/tasks/{reviewed}")
    call = page.locator(".calls tbody a[href^='/calls/']").last.get_attribute("href") or "/"
    recurring = make_recurring(page, home)
    context.close()
    return {
        "board": "/",
        "task": f"/tasks/{ref}",
        "reassign": f"/tasks/{ref}/operate/assign",
        "review": f"/tasks/{reviewed}",
        "diff": f"/tasks/{revised()[0]}?view=diff&layout=side#deliverable",
        "inbox": "/inbox",
        "fleet": "/agents",
        "agent": "/agents/drafting",
        "recurring": "/recurring",
        "ledger": recurring,
        "call": call,
    }


def make_recurring(page: Page, home: Path) -> str:
    """Something that recurs, once begun and once skipped; the address of its ledger."""
    page.goto(f"{web_url(home)}/recurring/new")
    page.get_by_label("Title").fill("Check the price lists again")
    page.get_by_label("When").fill("0 9 * * 1")
    page.get_by_label("Time zone").fill("Europe/Berlin")
    page.get_by_role("button", name="Make it").click()
    for outcome in ("Ran", "Skipped"):
        page.locator("#live[data-live=on]").wait_for()
        page.get_by_role("button", name="Run now").click()
        page.locator("#ledger tbody tr").first.filter(has_text=outcome).wait_for()
    return page.url.removeprefix(web_url(home))


def freeze(browser: Browser, home: Path) -> None:
    """The emergency stop, as a person presses it."""
    context = browser.new_context(storage_state=cookies(browser, home))
    page = context.new_page()
    page.goto(web_url(home))
    page.locator("#freeze-all > summary").click()
    page.locator("#freeze-reason").fill("The bill of this morning looks wrong")
    page.get_by_role("button", name="Freeze everything").click()
    page.locator("#frozen .note").wait_for()
    context.close()


def take(browser: Browser, home: Path, pages: dict[str, str]) -> None:
    """Each page in each theme and width."""
    state = cookies(browser, home)
    for theme in THEMES:
        for suffix, (width, height) in WIDTHS.items():
            for name, address in pages.items():
                context = browser.new_context(
                    viewport={"width": width, "height": height},
                    color_scheme=theme,
                    storage_state=None if name == "signin" else state,
                )
                page = context.new_page()
                page.goto(web_url(home) + address)
                settle(page, name)
                page.screenshot(path=IMAGES / f"{name}-{theme}{suffix}.png")
                context.close()
                print(f"{name}-{theme}{suffix}.png")


def settle(page: Page, name: str) -> None:
    """Waits for fonts, and for the live dot where there is one."""
    page.evaluate("document.fonts.ready")
    if name != "signin":
        page.locator("#live[data-live=on]").wait_for()


if __name__ == "__main__":
    main()
