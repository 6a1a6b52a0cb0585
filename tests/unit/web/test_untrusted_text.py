"""What agents and people write reaches a browser only as text, or as markdown without teeth."""

import pytest

from tests.fakes.document import read_html
from web.bodies import read_body
from web.markdown import mark_mentions, render_markdown

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "![x](https://evil.example/pixel.png)",
    "<svg/onload=alert(1)>",
    '<a href="https://x" onclick="alert(1)">x</a>',
    "<style>*{display:none}</style>",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "| a |\n|:-:|\n| <b onmouseover=alert(1)>b</b> |",
]
HARMLESS = {"p", "pre", "code", "a", "table", "thead", "tbody", "tr", "th", "td", "root"}


@pytest.mark.parametrize("text", ATTACKS)
def test_markdown_lets_no_script_no_handler_and_no_image_through(text: str) -> None:
    tree = read_html(str(render_markdown(text)))
    for node in tree.walk():
        assert node.tag in HARMLESS
        assert set(node.attributes) <= {"href", "title", "rel", "class"}
        assert node.attributes.get("href", "https:").startswith(("https:", "http:", "mailto:"))


def test_markdown_keeps_what_a_deliverable_needs() -> None:
    html = render_markdown("# One\n\n**b** `c` [l](https://a.example)\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n1. x\n")
    for part in (
        "<h1>One</h1>",
        "<strong>b</strong>",
        "<code>c</code>",
        'href="https://a.example"',
        "<td>1</td>",
        "<ol>",
    ):
        assert part in html
    assert 'rel="noopener noreferrer nofollow"' in html


@pytest.mark.parametrize("text", ATTACKS)
def test_a_comment_is_escaped_and_its_mentions_are_marked(text: str) -> None:
    html = str(mark_mentions(f"{text} @maya.lind, see\nthis"))
    assert {node.tag for node in read_html(html).walk()} <= {"root", "b", "br"}
    assert "<b>@maya.lind</b>," in html


def test_a_mail_address_is_no_mention() -> None:
    assert mark_mentions("a@b.example") == "a@b.example"


def test_a_body_of_a_call_is_read_as_a_conversation_and_stays_harmless() -> None:
    body = read_body(
        '{"messages": [{"role": "user", "content": "<script>alert(1)</script> **hi**"}]}', "openai", "request"
    )
    assert body is not None
    (turn,) = body.turns
    (piece,) = turn.pieces
    assert turn.role == "user"
    assert "<script" not in (piece.text or "")
    assert "<strong>hi</strong>" in (piece.text or "")


@pytest.mark.parametrize(
    ("dialect", "stream"),
    [
        (
            "openai",
            'data: {"choices": [{"delta": {"content": "Hel"}}]}\n\n'
            'data: {"choices": [{"delta": {"content": "lo"}}]}\n\n',
        ),
        (
            "anthropic",
            'event: content_block_delta\ndata: {"type": "content_block_delta", "index": 0, '
            '"delta": {"type": "text_delta", "text": "Hello"}}\n\n',
        ),
    ],
)
def test_a_recorded_stream_is_put_together_again_though_it_was_cut(dialect: str, stream: str) -> None:
    body = read_body(stream, dialect, "response")
    assert body is not None
    assert [piece.text for turn in body.turns for piece in turn.pieces] == ["<p>Hello</p>\n"]


@pytest.mark.parametrize(
    "text", ["", "not json", "[]", "null", "{}", '{"messages": "x"}', '{"messages": [1]}', "data: x"]
)
def test_a_body_that_says_nothing_is_shown_as_it_was_sent(text: str) -> None:
    for side in ("request", "response"):
        body = read_body(text, "openai", side)
        assert body is not None
        assert body.turns == ()
