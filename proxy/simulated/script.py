"""Markers in a prompt (or in a tool's arguments) that make the simulated answers predictable.

| marker                    | effect                                                                                 |
|---------------------------|----------------------------------------------------------------------------------------|
| `[[sim:tool NAME {json}]]`| calls this tool first; several markers are called one after the other, then comes text   |
| `[[sim:repeat]]`          | never gets to the text: the tool calls start again from the first, for ever              |
| `[[sim:say TEXT]]`        | the text is exactly TEXT                                                                 |
| `[[sim:tokens 200]]`      | the text has about 200 tokens                                                            |
| `[[sim:slow 3]]`          | the answer is spread over 3 seconds, whatever the pace of the process                    |
| `[[sim:error 529]]`       | answers this status in the dialect's error shape                                         |
| `[[sim:error 529 2]]`     | the same, but only the first 2 times that this request comes                             |
| `[[sim:cut 10]]`          | closes the connection after 10 chunks of a stream, or half way through a plain body      |
| `[[sim:stall]]`           | accepts the request and says nothing until the client leaves                             |
| `[[sim:stall 5]]`         | falls silent after 5 chunks                                                              |

A marker counts wherever it stands in the system prompt or in a user's message; the text is written as if it were not
there.
"""

import re
from dataclasses import dataclass, field

import orjson

from proxy.simulated.conversation import ToolCall

_MARKER = re.compile(r"\[\[sim:([a-z]+)\s*(.*?)\]\](?!\])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Script:
    """What the markers of one request ask for. The empty script lets the simulated model decide."""

    tool_calls: tuple[ToolCall, ...] = ()
    is_repeating: bool = False
    say: str | None = None
    tokens: int | None = None
    slow_seconds: float | None = None
    error_status: int | None = None
    error_times: int | None = None  # None: always
    cut_after_chunks: int | None = None
    stall_after_chunks: int | None = None


@dataclass(slots=True)
class _Draft:
    tool_calls: list[ToolCall] = field(default_factory=list)
    words: dict[str, list[str]] = field(default_factory=dict)
    say: str | None = None


def without_markers(text: str) -> str:
    """The prompt as a person meant it."""
    return _MARKER.sub("", text).strip()


def parse_script(text: str) -> Script:
    """The script in `text`. A marker with arguments that make no sense is ignored: it is a prompt, not a program."""
    draft = _Draft()
    for name, rest in _MARKER.findall(text):
        if name == "tool":
            draft.tool_calls.extend(_parse_tool_call(rest))
        elif name == "say":
            draft.say = rest.strip()
        else:
            draft.words[name] = rest.split()
    error = draft.words.get("error", [])
    return Script(
        tool_calls=tuple(draft.tool_calls),
        is_repeating="repeat" in draft.words,
        say=draft.say,
        tokens=_number(draft.words.get("tokens", [])),
        slow_seconds=_seconds(draft.words.get("slow", [])),
        error_status=_status(error),
        error_times=_number(error[1:]),
        cut_after_chunks=_number(draft.words.get("cut", [])),
        stall_after_chunks=(_number(draft.words["stall"]) or 0) if "stall" in draft.words else None,
    )


def _parse_tool_call(rest: str) -> list[ToolCall]:
    name, _, arguments = rest.strip().partition(" ")
    try:
        parsed = orjson.loads(arguments or "{}")
    except orjson.JSONDecodeError:
        return []
    return [ToolCall(name, parsed)] if name and isinstance(parsed, dict) else []


def _number(words: list[str]) -> int | None:
    return int(words[0]) if words and words[0].isdigit() else None


def _status(words: list[str]) -> int | None:
    status = _number(words)
    return status if status is not None and 400 <= status <= 599 else None


def _seconds(words: list[str]) -> float | None:
    return float(words[0]) if words and re.fullmatch(r"\d+(\.\d+)?", words[0]) else None
