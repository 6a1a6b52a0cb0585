"""A whole answer, whatever dialect it came in."""

from typing import Any, Literal

import msgspec

from proxy.canonical.parts import Part
from proxy.errors import Dialect
from proxy.records import Usage

# 'stop_sequence' is a stop by one of the request's own words; 'pause' a turn that wants to be continued as it is;
# 'error' hides behind a plain stop elsewhere: the provider gave up (gateways.md §5, 34).
StopReason = Literal[
    "stop", "stop_sequence", "length", "context_window", "tool_calls", "content_filter", "refusal", "pause", "error"
]


class Choice(msgspec.Struct):
    """One of the answers asked for. `native_stop` is the provider's own word."""

    parts: list[Part]
    stop: StopReason = "stop"
    native_stop: str = ""
    stop_sequence: str | None = None
    logprobs: list[Any] | None = None  # OpenAI's form


class Answer(msgspec.Struct):
    dialect: Dialect  # that it came in
    id: str = ""
    model: str = ""
    created: int = 0
    choices: list[Choice] = []
    usage: Usage | None = None
    raw_usage: dict[str, Any] = {}
    rest: dict[str, Any] = {}  # members that nothing here stands for
