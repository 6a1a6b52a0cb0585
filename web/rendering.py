"""Turns views into HTML. A page and its live fragments come out of the same macros, and only this module runs them.

Autoescape is on everywhere; `Markup` is made only here, in `markdown.py` and in `source.py`, from values that those
modules escaped or sanitised themselves.
"""

from collections.abc import Callable
from datetime import tzinfo
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from controlplane.ports import Clock
from controlplane.queries.board import ColumnView
from controlplane.queries.signals import severity
from web import verbs, words
from web.agent_verbs import possible_for
from web.answers import fields_of
from web.assets import Assets
from web.lanes import lanes_of, names_of
from web.markdown import link_refs, mark_mentions, render_markdown

TEMPLATES = Path(__file__).parent / "templates"


class Renderer:
    """Jinja with the design's small parts at hand. `zone` None: times without scripts are the server's."""

    def __init__(self, assets: Assets, clock: Clock, zone: tzinfo | None = None) -> None:
        self.clock = clock
        self.zone = zone
        self._environment = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
            undefined=StrictUndefined,
            auto_reload=False,
        )
        self._environment.globals.update(_parts(assets, clock, zone))
        self._macros: dict[tuple[str, str], Callable[..., str]] = {}

    def page(self, template: str, **context: Any) -> str:
        """A whole page."""
        return self._environment.get_template(template).render(**context)

    def part(self, template: str, macro: str, *arguments: Any) -> str:
        """One fragment: the macro that the page calls for it, too."""
        key = (template, macro)
        if key not in self._macros:
            self._macros[key] = getattr(self._environment.get_template(template).module, macro)
        return str(self._macros[key](*arguments)).strip()


def _parts(assets: Assets, clock: Clock, zone: tzinfo | None) -> dict[str, Any]:
    icons = assets.url("icons.svg")

    # A board of a thousand cards asks for ten thousand of these: `Markup.format` took a third of its time.
    @cache
    def icon(name: str, kind: str = "i") -> Markup:
        return Markup('<svg class="{}" aria-hidden="true"><use href="{}#{}"/></svg>').format(kind, icons, name)

    def age(since_ms: int) -> Markup:
        text = words.duration(clock.now_ms() - since_ms)
        return Markup(f'<time datetime="{words.instant(since_ms)}" data-age>{text}</time>')  # noqa: S704 - our own words

    def at(at_ms: int, has_seconds: bool = False) -> Markup:
        text = words.clock(at_ms, clock.now_ms(), zone, has_seconds=has_seconds)
        kind = "seconds" if has_seconds else "minutes"
        return Markup('<time datetime="{}" data-clock="{}">{}</time>').format(words.instant(at_ms), kind, text)

    def until(at_ms: int) -> Markup:
        text = words.duration(at_ms - clock.now_ms())
        return Markup('<time datetime="{}" data-until>{}</time>').format(words.instant(at_ms), text)

    def money(nano_usd: int) -> Markup:
        return Markup('<data value="{}">{}</data>').format(words.exact_dollars(nano_usd), words.dollars(nano_usd))

    return {
        "static": assets.url,
        "icon": icon,
        "age": age,
        "at": at,
        "until": until,
        "money": money,
        "now_ms": clock.now_ms,
        "track": track,
        "mentions": mark_mentions,
        "with_refs": link_refs,
        "markdown": render_markdown,
        "names_of": names_of,
        "lanes_of": lambda calls, evidence: lanes_of(calls, evidence, clock.now_ms(), zone),
        "words": words,
        "verbs": verbs,
        "agent_verbs": possible_for,
        "form_fields": fields_of,
    }


TRACK_SECTIONS = 24  # the strip over a column has at most so many; each then stands for several cards


def track(column: ColumnView) -> list[str]:
    """The signals of the strip over a column, in the order of its cards; of several the most severe shows."""
    cards = column.cards
    per_section = -(-len(cards) // TRACK_SECTIONS) or 1
    groups = [cards[start : start + per_section] for start in range(0, len(cards), per_section)]
    return [min((card.signal for card in group), key=severity).value for group in groups]


def partial(target: str, swap: str, html: str = "") -> str:
    """One instruction to htmx: what to do with `html` at `target`. See `static/js/live.js` for `place`."""
    return f'<hx-partial hx-target="{escape(target)}" hx-swap="{swap}">{html}</hx-partial>'
