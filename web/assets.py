"""Static files under a URL that names their content, so that browsers may keep them for ever.

One digest over the whole folder stands in the path (`/static/<digest>/pointsman.css`): a style sheet's links to
its fonts and a script's imports, both relative, stay within the same version without being rewritten.
"""

import hashlib
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope
from typing_extensions import override

STATIC = Path(__file__).parent / "static"
_FOREVER = "public, max-age=31536000, immutable"


class Assets:
    """The static folder as it was when the process started."""

    def __init__(self, folder: Path = STATIC) -> None:
        self.folder = folder
        self.digest = _digest(folder)

    def url(self, path: str) -> str:
        """The address of a static file."""
        return f"/static/{self.digest}/{path}"


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            total.update(path.relative_to(folder).as_posix().encode())
            total.update(path.read_bytes())
    return total.hexdigest()[:12]


class StaticPages(StaticFiles):
    """Serves `/<digest>/<path>`. A page of an older version still finds its files, but may not keep them."""

    def __init__(self, assets: Assets) -> None:
        super().__init__(directory=assets.folder)
        self._digest = assets.digest

    @override
    async def get_response(self, path: str, scope: Scope) -> Response:
        digest, _, rest = path.partition("/")
        response = await super().get_response(rest, scope)
        response.headers["Cache-Control"] = _FOREVER if digest == self._digest else "no-cache"
        return response
