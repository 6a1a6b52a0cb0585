"""Functions in a namespace, flattened for everybody who knows no namespaces, and found again.

`tickets` with `create` is called `tickets__create` in the hub; whoever renders for this API takes the first half off.
A function that stands in none and was found by a tool search is called as if it were in one of its own name.
"""

from proxy.canonical.request import Request, Tool

SEPARATOR = "__"


def flat_name(namespace: str, name: str) -> str:
    return f"{namespace}{SEPARATOR}{name}" if namespace and namespace != name else name


def inner_name(name: str, namespace: str) -> str:
    """The name inside of its namespace."""
    return name.removeprefix(namespace + SEPARATOR) if namespace else name


def namespaces_of(request: Request | None) -> dict[str, str]:
    """Flat name → namespace, for the tools of a request that have one."""
    tools = request.tools if request is not None else ()
    return {tool.name: tool.namespace for tool in tools if isinstance(tool, Tool) and tool.namespace}
