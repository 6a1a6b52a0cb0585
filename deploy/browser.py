"""Sees to it that the browser tests find a Chromium: `python deploy/browser.py`. Does nothing when there is one.

Only CI installs (`CI=true`): on a person's machine the tests skip with a reason instead. As root on Debian or Ubuntu
the distribution's own package, elsewhere the build that Playwright brings.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path


def main() -> int:
    """The exit code of whatever had to be installed."""
    if shutil.which("chromium") or _has_playwright_build():
        return 0
    if os.environ.get("CI") != "true":
        sys.stderr.write("browser: no Chromium here, its tests will skip (apt-get install chromium, or CI=true).\n")
        return 0
    if shutil.which("apt-get") and os.geteuid() == 0:
        return _run("apt-get", "update", "--quiet") or _run("apt-get", "install", "--yes", "--quiet", "chromium")
    return _run(sys.executable, "-m", "playwright", "install", "chromium")


def _has_playwright_build() -> bool:
    folder = os.environ.get("PLAYWRIGHT_BROWSERS_PATH") or Path.home() / ".cache" / "ms-playwright"
    return any(Path(folder).glob("chromium*/**/chrome*"))


def _run(*command: str) -> int:
    sys.stderr.write(f"browser: {' '.join(command)}\n")
    return subprocess.run(command, check=False, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}).returncode


if __name__ == "__main__":
    sys.exit(main())
