"""What happens while an answer comes in: the vocabulary between decoders and encoders.

The order: MessageStarted, then parts, then MessageEnded for each choice, then StreamEnded. A part is known by its
`part` number, unique in the whole answer; parts may interleave, and PartEnded may be left out: then a part ends with
its choice. UsageReported may come any number of times: each replaces the one before. A decoder that sees neither
a terminal event nor an error answers `Failed(kind='truncated')` from its `close`.
"""

from typing import Any

import msgspec

from proxy.canonical.answer import StopReason
from proxy.canonical.failure import Failure
from proxy.canonical.parts import Citation, Media, Native
from proxy.errors import Dialect
from proxy.records import Usage


class MessageStarted(msgspec.Struct):
    """May come a second time when a later chunk knows more (Azure's first has neither id nor model)."""

    id: str = ""
    model: str = ""
    created: int = 0  # seconds since the epoch; 0: not said
    rest: dict[str, Any] = {}  # system_fingerprint, service_tier … as the decoder's dialect names them


class TextDelta(msgspec.Struct):
    part: int
    text: str
    choice: int = 0


class ThinkingDelta(msgspec.Struct):
    """`signature` and `redacted` are whole when they come, usually with empty text at the end of the part."""

    part: int
    text: str = ""
    signature: str = ""
    redacted: str = ""
    made_by: Dialect | None = None
    item_id: str = ""
    is_summary: bool = False
    choice: int = 0
    format: str = ""  # as Thinking's


class ToolCallStarted(msgspec.Struct):
    part: int
    id: str
    name: str
    kind: str = "function"
    signature: str = ""
    signature_of: Dialect | None = None
    item_id: str = ""
    choice: int = 0
    extra: dict[str, Any] = {}  # as ToolCall's


class ToolArgsDelta(msgspec.Struct):
    """A piece of JSON text. None at all for a call means '{}'."""

    part: int
    text: str
    choice: int = 0


class RefusalDelta(msgspec.Struct):
    part: int
    text: str
    choice: int = 0


class CitationAdded(msgspec.Struct):
    """To the text of this part so far."""

    part: int
    citation: Citation
    choice: int = 0


class MediaAdded(msgspec.Struct):
    """A whole generated image or sound; `is_partial` for one of a growing sequence that replaces the last."""

    part: int
    media: Media
    is_partial: bool = False
    choice: int = 0


class NativeAdded(msgspec.Struct):
    """A whole block that only its dialect knows."""

    part: int
    native: Native
    choice: int = 0


class PartEnded(msgspec.Struct):
    part: int
    choice: int = 0


class LogprobsAdded(msgspec.Struct):
    """In OpenAI's form: a list of {token, logprob, bytes, top_logprobs}."""

    tokens: list[Any]
    choice: int = 0


class UsageReported(msgspec.Struct):
    """So far, or in the end: replaces. `raw` as the provider wrote it."""

    usage: Usage
    raw: dict[str, Any] = {}


class MessageEnded(msgspec.Struct):
    """One choice is complete."""

    stop: StopReason
    native_stop: str = ""
    stop_sequence: str | None = None
    choice: int = 0


class StreamEnded(msgspec.Struct):
    """The dialect's terminal event came: nothing follows."""


class Failed(msgspec.Struct):
    """The stream broke off with an error, or without its terminal event. Nothing follows."""

    failure: Failure


Event = (
    MessageStarted
    | TextDelta
    | ThinkingDelta
    | ToolCallStarted
    | ToolArgsDelta
    | RefusalDelta
    | CitationAdded
    | MediaAdded
    | NativeAdded
    | PartEnded
    | LogprobsAdded
    | UsageReported
    | MessageEnded
    | StreamEnded
    | Failed
)
