"""What messages and answers are made of. One part is one thing a reader would point at.

A part that only its own dialect can say is `Native`: it goes back to that dialect as it was, and is a loss elsewhere.
"""

from typing import Any, Literal

import msgspec

from proxy.errors import Dialect

CacheTtl = Literal["5m", "1h"]
MediaKind = Literal["image", "document", "audio", "video"]


class Citation(msgspec.Struct, omit_defaults=True):
    """Where a piece of text comes from. `raw` is the citation as `dialect` wrote it."""

    dialect: Dialect
    raw: dict[str, Any]
    url: str = ""
    title: str = ""
    text: str = ""  # what is cited


class Text(msgspec.Struct, tag="text", omit_defaults=True):
    text: str
    citations: list[Citation] = []
    cache: CacheTtl | None = None  # everything up to here is to be cached


class Media(msgspec.Struct, tag="media", omit_defaults=True):
    """One of `data` (base64), `url` (also gs:// and s3://), `file_id` and `text` (a document as text) is set."""

    kind: MediaKind
    media_type: str = ""  # 'image/png'; '' when unknown
    data: str = ""
    url: str = ""
    file_id: str = ""
    text: str = ""
    name: str = ""
    detail: str = ""  # OpenAI's low | high | auto
    cache: CacheTtl | None = None
    extra: dict[str, Any] = {}  # what else the dialect `extra_of` said: Anthropic's title, context, citations
    extra_of: Dialect | None = None


class ToolCall(msgspec.Struct, tag="tool_call", omit_defaults=True):
    """`arguments` is JSON text as it came, malformed or not; never '' (nothing becomes '{}'), free text if `custom`."""

    id: str
    name: str
    arguments: str = "{}"
    kind: Literal["function", "custom"] = "function"
    signature: str = ""  # Gemini's thoughtSignature of this very part
    signature_of: Dialect | None = None
    item_id: str = ""  # the Responses API's id of the item; `id` is its call_id
    cache: CacheTtl | None = None
    extra: dict[str, Any] = {}  # Anthropic's caller and toolset_name: who in the answer called, when not the model


class ToolResult(msgspec.Struct, tag="tool_result", omit_defaults=True):
    """What a tool answered. `name` may be unknown: look the call up by its id."""

    id: str  # the ToolCall's
    parts: "list[Part]" = []
    name: str = ""
    is_error: bool = False
    kind: Literal["function", "custom"] = "function"
    cache: CacheTtl | None = None


class Thinking(msgspec.Struct, tag="thinking", omit_defaults=True):
    """Reasoning. What is signed or opaque is worth something only where it was made, verbatim: `made_by`."""

    text: str = ""
    signature: str = ""  # Anthropic's signature, Gemini's thoughtSignature, the Responses API's encrypted_content
    redacted: str = ""  # Anthropic's redacted_thinking data, Bedrock's redactedContent
    made_by: Dialect | None = None
    item_id: str = ""  # the Responses API's 'rs_…'
    is_summary: bool = False
    format: str = ""  # OpenRouter's word for whose signature it is: 'anthropic-claude-v1'


class Refusal(msgspec.Struct, tag="refusal", omit_defaults=True):
    text: str


class Native(msgspec.Struct, tag="native", omit_defaults=True):
    """A block that only `dialect` knows: server tools and their results, built-in items, grounding."""

    dialect: Dialect
    raw: dict[str, Any]
    text: str = ""  # what a person or another dialect could make of it, '' if nothing


Part = Text | Media | ToolCall | ToolResult | Thinking | Refusal | Native
