"""An internal agent's conversation, in the shape of the OpenAI chat format, kept whole in the blob store."""

from typing import Any

import msgspec

from controlplane.ports import BlobStore


class Transcript(msgspec.Struct, frozen=True):
    """What the model is asked with: unknown fields of its own answers go back to it untouched."""

    model: str
    tool_server: str
    messages: tuple[dict[str, Any], ...]
    tools: tuple[dict[str, Any], ...] = ()

    def with_message(self, message: dict[str, Any]) -> "Transcript":
        return msgspec.structs.replace(self, messages=(*self.messages, message))

    def request_body(self) -> bytes:
        """Byte for byte the same for the same transcript: a repeated idempotency key must come with the same body."""
        body: dict[str, Any] = {"model": self.model, "messages": self.messages}
        return msgspec.json.encode(body | {"tools": self.tools} if self.tools else body)

    @property
    def wanted_calls(self) -> list[dict[str, Any]]:
        """The tool calls of the model's last answer."""
        asked: dict[str, Any] = next((one for one in reversed(self.messages) if one.get("role") == "assistant"), {})
        return list(asked.get("tool_calls") or ())

    @property
    def answer(self) -> str:
        """What the model said last, as text."""
        content = self.messages[-1].get("content") or ""
        return content if isinstance(content, str) else "".join(part.get("text", "") for part in content)


async def keep(blobs: BlobStore, transcript: Transcript) -> str:
    """Its SHA-256. The same transcript is the same blob, so a repeated activity leaves nothing behind."""
    return await blobs.put(msgspec.json.encode(transcript))


async def recall(blobs: BlobStore, sha256: str) -> Transcript:
    """Raises LookupError when the blob store has lost it."""
    content = await blobs.get(sha256)
    if content is None:
        raise LookupError(f"the blob store has no transcript {sha256}")
    return msgspec.json.decode(content, type=Transcript)
