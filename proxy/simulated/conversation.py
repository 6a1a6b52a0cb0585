"""A request to the simulated model with its dialect taken away."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import orjson

# English text has about four characters to a token; what the vendors' pages say too.
CHARACTERS_PER_TOKEN = 4


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A tool that the model asks for."""

    name: str
    arguments: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool that the client offers, its JSON schema as far as the simulated model fills it in."""

    name: str
    properties: dict[str, Any]
    required: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """What the model reads: who said what, which tools there are, how long the answer may be."""

    model: str
    prompt: str  # system and user texts, in order: where markers are looked for
    brief: str  # the last user text
    tool_results: tuple[str, ...] = ()
    rounds: int = 0  # assistant turns so far that asked for tools
    tools: tuple[Tool, ...] = ()
    forced_tool: str | None = None  # a tool's name, or "*" when any tool must be called
    max_tokens: int | None = None
    is_stream: bool = False
    is_usage_wanted: bool = False  # OpenAI's stream_options.include_usage
    seed: str = ""  # hex digest of the messages: the same conversation gets the same reply
    input_tokens: int = 1


class InvalidRequestError(Exception):
    """The client's fault, told in the dialect's words with status 400. `parameter` names the field."""

    def __init__(self, message: str, parameter: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.parameter = parameter


def seed_of(messages: Any) -> str:
    """The digest that stands for a conversation."""
    return hashlib.sha256(orjson.dumps(messages, option=orjson.OPT_SORT_KEYS)).hexdigest()


def tokens_of(part: Any) -> int:
    """An estimate of the tokens of text or JSON, at least one."""
    size = len(part) if isinstance(part, str) else len(orjson.dumps(part))
    return max(1, size // CHARACTERS_PER_TOKEN)


def text_of(content: Any) -> str:
    """The text of a message's content, be it a string or a list of typed parts."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text", "") for part in content if isinstance(part, dict))
    return "\n".join(part for part in parts if isinstance(part, str) and part)


def without_tools_if_refused(tools: tuple[Tool, ...], choice: Any) -> tuple[Tool, ...]:
    """No tools when the client's `tool_choice` is none, in either dialect's spelling."""
    is_refused = choice == "none" or (isinstance(choice, dict) and choice.get("type") == "none")
    return () if is_refused else tools


def as_object(value: Any) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one: what a client sends may be anything."""
    return value if isinstance(value, dict) else {}


def parse_tools(named_schemas: Iterable[tuple[Any, Any]]) -> tuple[Tool, ...]:
    """The tools in pairs of name and schema, without those that have no name."""
    return tuple(
        _parse_tool(name, as_object(schema)) for name, schema in named_schemas if isinstance(name, str) and name
    )


def _parse_tool(name: str, schema: dict[str, Any]) -> Tool:
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    return Tool(name, as_object(schema.get("properties")), tuple(name for name in names if isinstance(name, str)))


def parse_limit(number: Any, parameter: str) -> int | None:
    """A token limit, None when it was not given."""
    if number is None:
        return None
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise InvalidRequestError(f"{parameter}: expected an integer greater than 0, got {number!r}", parameter)
    return number
