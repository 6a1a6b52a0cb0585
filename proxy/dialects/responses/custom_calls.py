"""Custom tools at providers that know none: there they are functions with one text, `input`, and called as such."""

import orjson

from proxy.canonical.request import Request, Tool
from proxy.dialects.reading import member


def custom_names(request: Request | None) -> frozenset[str]:
    """The tools that the client wants called with free text."""
    tools = request.tools if request is not None else ()
    return frozenset(tool.name for tool in tools if isinstance(tool, Tool) and tool.kind == "custom")


def free_text(arguments: str) -> str:
    """What a model put into `input`, or into the only member; the arguments themselves when there is no such thing."""
    try:
        value = orjson.loads(arguments)
    except orjson.JSONDecodeError:
        return arguments
    text = member(value, "input")
    if isinstance(text, str):
        return text
    values = list(value.values()) if isinstance(value, dict) else []
    return values[0] if len(values) == 1 and isinstance(values[0], str) else arguments
