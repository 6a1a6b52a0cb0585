"""Pages made of blocks: each is rendered, and sent when its text differs."""

import re
from collections.abc import Mapping

from web.rendering import partial

_AGE = re.compile(r"(data-(?:age|until)>)[^<]*")  # they tick in the browser; they are no news


def changed_blocks(old: Mapping[str, str], new: Mapping[str, str]) -> str:
    """The fragments for the blocks (by element id) that differ in more than an age."""
    return "\n".join(
        partial(f"#{name}", "outerMorph", html)
        for name, html in new.items()
        if _AGE.sub(r"\1", html) != _AGE.sub(r"\1", old.get(name, ""))
    )
