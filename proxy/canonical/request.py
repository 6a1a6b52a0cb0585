"""A request, whatever dialect it was written in.

`None` means: not said. What no member here stands for is in `rest`, under the name it has in `dialect`; whoever renders
for another dialect puts each such name down as a loss, and one that renders for the same puts it back.
"""

from typing import Any, Literal

import msgspec

from proxy.canonical.parts import CacheTtl, Part, ToolCall
from proxy.errors import Dialect

Role = Literal["system", "developer", "user", "assistant", "tool"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Message(msgspec.Struct, omit_defaults=True):
    """A turn. Tool results stand in messages of role `tool`, one or more to a message, in the order they came."""

    role: Role
    parts: list[Part]
    name: str = ""
    extra: dict[str, Any] = {}  # members of the message that only `Request.dialect` knows
    item_id: str = ""  # the Responses API's 'msg_…'; elsewhere nothing is lost with it
    phase: str = ""  # the Responses API's 'commentary' or 'final_answer': a hint for its own models


class Tool(msgspec.Struct, omit_defaults=True):
    """A function the model may call, or a custom tool that takes free text (`kind`)."""

    name: str
    description: str = ""
    schema: dict[str, Any] | None = None  # JSON Schema of the arguments
    is_strict: bool | None = None
    kind: Literal["function", "custom"] = "function"
    cache: CacheTtl | None = None
    extra: dict[str, Any] = {}  # custom tools' format, Anthropic's input_examples, …
    namespace: str = ""  # of the Responses API; `name` has it before it already: '<namespace>__<function>'


class NativeTool(msgspec.Struct):
    """A tool that the provider runs itself, as `dialect` wrote it: web search, code execution, MCP.

    Never dropped silently.
    """

    dialect: Dialect
    raw: dict[str, Any]


class ToolChoice(msgspec.Struct, omit_defaults=True):
    """`tool` with one name; `required` with `names` when only some are allowed."""

    mode: Literal["auto", "none", "required", "tool"]
    names: list[str] = []
    native: dict[str, Any] = {}  # a choice of a NativeTool, as its dialect wrote it


class Reasoning(msgspec.Struct, omit_defaults=True):
    """How much to think. Several may be said at once; `is_off` wins."""

    effort: Effort | None = None
    budget_tokens: int | None = None
    is_off: bool = False
    is_adaptive: bool = False  # Anthropic's thinking: adaptive
    summary: str | None = None  # Responses: auto | concise | detailed; '' hides it
    includes_thoughts: bool | None = None  # Gemini


class Format(msgspec.Struct, omit_defaults=True):
    """The form of the answer: any JSON, or JSON of a schema."""

    kind: Literal["text", "json", "schema"]
    schema: dict[str, Any] | None = None
    name: str = ""
    description: str = ""
    is_strict: bool | None = None


class Request(msgspec.Struct, omit_defaults=True):
    dialect: Dialect  # that it was written in
    model: str
    messages: list[Message] = []
    tools: list[Tool | NativeTool] = []
    tool_choice: ToolChoice | None = None
    is_parallel: bool | None = None  # parallel tool calls allowed
    has_functions: bool = False  # OpenAI's `functions`, the form before tools: the answer has to come in it too
    is_stream: bool = False
    includes_usage: bool = False  # a chat stream's client asked for usage
    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop: list[str] = []
    seed: int | None = None
    count: int | None = None  # OpenAI's n, Gemini's candidateCount
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    reasoning: Reasoning | None = None
    format: Format | None = None
    modalities: list[str] = []  # of the answer: text, image, audio
    user: str = ""
    service_tier: str = ""
    verbosity: str = ""
    rest: dict[str, Any] = {}
    hints: dict[str, Any] = {}  # like `rest`, but about what a provider keeps: nothing is lost elsewhere

    def tool_name(self, call_id: str) -> str:
        """The name of the tool that this call was for; '' if no message holds the call."""
        for message in self.messages:
            for part in message.parts:
                if isinstance(part, ToolCall) and part.id == call_id:
                    return part.name
        return ""


class Loss(msgspec.Struct, frozen=True, order=True):
    """Something of a request or an answer that the other dialect cannot say. `name` is the client's own word for it."""

    name: str
    reason: str


class Rendered(msgspec.Struct):
    """A request in a provider's dialect. Stream, model and path may stand outside the body (Gemini, Bedrock)."""

    body: dict[str, Any]
    losses: list[Loss] = []
    headers: dict[str, str] = {}  # 'anthropic-beta' and the like
    tool_names: dict[str, str] = {}  # as they stand in the body → as the client wrote them, where the two differ
