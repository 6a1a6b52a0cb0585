"""Markdown from agents and people as safe HTML. What an agent wrote is untrusted: raw HTML is not even parsed, and the
result passes a sanitiser with an allow list before it becomes `Markup`.
"""

import re
from functools import lru_cache

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup, escape

CACHED = 256  # rendered texts kept: 4 ms per page of text are worth it, the same version is read many times
_TAGS = {
    *("p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "a"),
}
# Images are left out on purpose: an address chosen by an agent would be fetched by whoever reads (and by the CSP not at
# all). `style` on cells is how markdown-it aligns columns; the CSP forbids it, so alignment is lost, not the text.
_ATTRIBUTES = {"a": {"href", "title"}, "ol": {"start"}, "code": {"class"}}
_SCHEMES = {"http", "https", "mailto"}
_REF = re.compile(r"\bT-[0-9]{1,9}\b")
_MENTION = re.compile(r"(?<![\w@])@([\w.-]*\w)")


@lru_cache(maxsize=CACHED)
def render_markdown(text: str) -> Markup:
    """The text as HTML; headings one level down, since the page has its own first heading."""
    rendered = _parser().render(text)
    clean = nh3.clean(
        rendered,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(clean)  # noqa: S704 - sanitised by the line above


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"])


def mark_mentions(text: str) -> Markup:
    """A comment's text, escaped, its `@mentions` in bold and its lines kept."""
    return Markup(_MENTION.sub(r"<b>@\1</b>", str(escape(text))).replace("\n", "<br>"))  # noqa: S704 - escaped here


def link_refs(text: str) -> Markup:
    """A sentence, escaped, in which every `T-12` leads to its task."""
    return Markup(_REF.sub(r'<a href="/tasks/\g<0>">\g<0></a>', str(escape(text))))  # noqa: S704 - escaped here
