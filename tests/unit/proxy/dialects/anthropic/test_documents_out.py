"""Documents that a client of another dialect sends to Anthropic."""

from proxy.canonical.parts import Media
from proxy.canonical.request import Message, Request
from proxy.dialects.anthropic.codec import CODEC


def test_a_document_of_bedrocks_is_cited_and_introduced_as_there() -> None:
    extra = {"citations": {"enabled": True}, "context": "of 2026", "bucketOwner": "1"}
    document = Media("document", "text/plain", text="Twenty days.", name="Leave", extra=extra, extra_of="bedrock")
    rendered = CODEC.render_request(Request("bedrock", "claude-opus-4-6", [Message("user", [document])]))
    assert rendered.body["messages"][0]["content"] == [
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "Twenty days."},
            "title": "Leave",
            "citations": {"enabled": True},
            "context": "of 2026",
        }
    ]
    assert [loss.name for loss in rendered.losses] == ["bucketOwner"]
