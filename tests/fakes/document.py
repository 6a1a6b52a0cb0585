"""A page as a tree, and what the browser does with live fragments, by the same rules as `web/static/js/live.js`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"meta", "link", "input", "br", "hr", "img", "path", "rect", "use", "line", "col"}
# What differs between two renderings of the same truth: versions, fresh command ids, where the stream begins.
_FLEETING = re.compile(r' data-v="\d+"|(?<=name="command_id" value=")[^"]*|(?<=after=)\d+')


@dataclass
class Node:
    """An element; text stands among its children as strings."""

    tag: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[Node | str] = field(default_factory=list)
    parent: Node | None = None

    def walk(self) -> Iterator[Node]:
        yield self
        for child in self.children:
            if isinstance(child, Node):
                yield from child.walk()

    def find(self, element_id: str) -> Node | None:
        return next((node for node in self.walk() if node.attributes.get("id") == element_id), None)

    def elements(self) -> list[Node]:
        return [child for child in self.children if isinstance(child, Node)]

    def text(self) -> str:
        """Its words, as one reads them."""
        parts = (child.text() if isinstance(child, Node) else child for child in self.children)
        return " ".join(" ".join(parts).split())

    def remove(self) -> None:
        assert self.parent is not None
        self.parent.children.remove(self)

    def insert(self, node: Node, place: int) -> None:
        node.parent = self
        self.children.insert(place, node)

    def html(self) -> str:
        """Without white space between elements, which means nothing on our pages."""
        inner = "".join(child.html() if isinstance(child, Node) else " ".join(child.split()) for child in self.children)
        attributes = "".join(f' {name}="{value}"' for name, value in self.attributes.items())
        return f"<{self.tag}{attributes}>{inner}</{self.tag}>\n"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.root = Node("root")
        self._here = self.root

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {name: value or "" for name, value in attrs}, parent=self._here)
        self._here.children.append(node)
        if tag not in _VOID:
            self._here = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._here.children.append(Node(tag, {name: value or "" for name, value in attrs}, parent=self._here))

    def handle_endtag(self, tag: str) -> None:
        if tag in _VOID:
            return
        node: Node | None = self._here
        while node is not None and node.tag != tag:
            node = node.parent
        if node is not None and node.parent is not None:
            self._here = node.parent

    def handle_data(self, data: str) -> None:
        if data.strip():
            self._here.children.append(data)


def read_html(text: str) -> Node:
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.root


def apply_fragments(page: Node, fragments: str) -> None:
    """Does to the page what the browser would do."""
    for instruction in read_html(fragments).elements():
        assert instruction.tag == "hx-partial", instruction.tag
        target = page.find(instruction.attributes["hx-target"].removeprefix("#"))
        style = instruction.attributes["hx-swap"]
        if target is None:
            continue
        if style == "delete":
            target.remove()
            continue
        (element,) = instruction.elements()
        if style == "place":
            _place(page, target, element)
        else:
            assert style in {"outerHTML", "outerMorph"}, style
            assert target.parent is not None
            place = target.parent.children.index(target)
            target.remove()
            target.parent.insert(element, place)


def _place(page: Node, column: Node, slot: Node) -> None:
    old = page.find(slot.attributes["id"])
    if old is not None:
        old.remove()
    rank = slot.attributes["data-rank"]
    later = [other for other in column.elements() if other.attributes["data-rank"] > rank]
    column.insert(slot, column.children.index(later[0]) if later else len(column.children))


def truth(page: Node, *element_ids: str) -> str:
    """Those parts of a page as text, without what differs between two renderings of the same truth."""
    parts = [page.find(element_id) for element_id in element_ids]
    return _FLEETING.sub("", "".join(part.html() if part else "(absent)\n" for part in parts))
