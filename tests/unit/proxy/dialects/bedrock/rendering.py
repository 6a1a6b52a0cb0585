"""Requests to Converse, rendered and checked: each is one that AWS's own client would send."""

from base64 import b64encode
from typing import Any

from botocore.session import Session
from botocore.validate import ParamValidator

from proxy.canonical.parts import Part, Text
from proxy.canonical.request import Message, Rendered, Request, Tool
from proxy.dialects.bedrock.codec import CODEC

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
NEW_CLAUDE = "us.anthropic.claude-sonnet-4-6"
NOVA = "us.amazon.nova-2-lite-v1:0"
LLAMA = "us.meta.llama4-maverick-17b-instruct-v1:0"
PIXEL = b64encode(b"pixel").decode()
WEATHER = Tool("weather", "Tells it.", {"type": "object", "properties": {"city": {"type": "string"}}})

SHAPE = Session().get_service_model("bedrock-runtime").operation_model("Converse").input_shape


def render(*messages: Message, model: str = CLAUDE, **members: Any) -> Rendered:
    request = Request("openai", model, list(messages) or [user(Text("Hi"))], **members)
    rendered = CODEC.render_request(request)
    report = ParamValidator().validate(with_blobs({**rendered.body, "modelId": model}), SHAPE)
    assert not report.has_errors(), report.generate_report()
    roles = [message["role"] for message in rendered.body["messages"]]
    assert roles == ["user", "assistant"] * (len(roles) // 2) + ["user"] * (len(roles) % 2)
    assert all(message["content"] for message in rendered.body["messages"])
    return rendered


def with_blobs(value: Any) -> Any:
    """AWS's client takes bytes where the wire has base64."""
    if isinstance(value, dict):
        names = {"bytes", "redactedContent"}
        return {name: b"x" if name in names else with_blobs(one) for name, one in value.items()}
    return [with_blobs(one) for one in value] if isinstance(value, list) else value


def user(*parts: Part) -> Message:
    return Message("user", list(parts))


def assistant(*parts: Part) -> Message:
    return Message("assistant", list(parts))


def contents(rendered: Rendered) -> list[list[dict[str, Any]]]:
    return [message["content"] for message in rendered.body["messages"]]


def names(rendered: Rendered) -> set[str]:
    return {loss.name for loss in rendered.losses}
