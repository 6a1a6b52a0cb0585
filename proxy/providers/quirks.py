"""Changes of a request that more than one provider wants. Each takes a body and answers another; none keeps state."""

from proxy.providers.known import Body


def max_tokens_by_its_old_name(body: Body) -> Body:
    """`max_completion_tokens` → `max_tokens`, for those who refuse or ignore the newer name."""
    limit = body.get("max_completion_tokens")
    rest = {name: value for name, value in body.items() if name != "max_completion_tokens"}
    return rest if limit is None else {"max_tokens": limit} | rest


def developer_is_system(body: Body) -> Body:
    """The role `developer` → `system`, where only the older name is known."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return body
    return {**body, "messages": [_as_system(message) for message in messages]}


def _as_system(message: object) -> object:
    if isinstance(message, dict) and message.get("role") == "developer":
        return {**message, "role": "system"}
    return message


def without_stream_options(body: Body) -> Body:
    """No `stream_options`, where it is refused and usage comes in any case."""
    return {name: value for name, value in body.items() if name != "stream_options"}
