"""Functions as every dialect describes them: by a schema of their arguments."""

from typing import Any

from proxy.canonical.request import Tool
from proxy.dialects.losses import Losses

NO_ARGUMENTS: dict[str, Any] = {"type": "object", "properties": {}}
# A custom tool takes free text, which no other dialect knows: there it is a function with one argument.
FREE_TEXT: dict[str, Any] = {"type": "object", "properties": {"input": {"type": "string"}}, "required": ["input"]}


def tell_custom(tool: Tool, losses: Losses) -> None:
    if tool.kind == "custom":
        losses.add("tools.custom", "Free text goes as the argument 'input' of a function.")
