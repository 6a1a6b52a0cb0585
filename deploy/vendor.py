"""Refreshes the scripts of other people that the pages carry with them, and the manifest of their digests.

    python deploy/vendor.py            fetches the pinned version by `npm pack` and writes files and manifest
    python deploy/vendor.py --check    compares the files with the manifest; needs no network

Nobody needs npm to install or to run Pointsman: the files are committed, this is for whoever raises the version.
"""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE, VERSION = "htmx.org", "4.0.1"
FILES = {
    "package/dist/htmx.min.js": "htmx.min.js",
    "package/dist/ext/hx-sse.min.js": "hx-sse.min.js",
    "package/LICENSE": "LICENSE",
}
FOLDER = Path(__file__).parent.parent / "web" / "static" / "vendor" / f"htmx-{VERSION}"
MANIFEST = FOLDER / "sha256.txt"


def digests(folder: Path) -> str:
    """The manifest's text, as `sha256sum` writes it."""
    names = sorted(FILES.values())
    return "".join(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names)


def refresh() -> None:
    """Fetches the package and replaces the files."""
    npm = shutil.which("npm")
    if npm is None:
        raise SystemExit("npm is needed to fetch the package; nothing was changed")
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([npm, "pack", f"{PACKAGE}@{VERSION}", "--silent"], cwd=scratch, check=True)
        (archive,) = Path(scratch).glob("*.tgz")
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tarfile.open(archive) as package:
            for member, name in FILES.items():
                content = package.extractfile(member)
                if content is None:
                    raise SystemExit(f"{PACKAGE} {VERSION} holds no {member}")
                (FOLDER / name).write_bytes(content.read())
    MANIFEST.write_text(digests(FOLDER), encoding="utf-8")


def check() -> None:
    """Says what differs from the manifest, if anything does."""
    if digests(FOLDER) != MANIFEST.read_text(encoding="utf-8"):
        raise SystemExit(f"{FOLDER.name}: files and sha256.txt differ; run `python deploy/vendor.py`")


if __name__ == "__main__":
    check() if "--check" in sys.argv[1:] else refresh()
