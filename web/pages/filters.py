"""What stands in a page's query string, as typed values; page and live stream read the same one."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends

from controlplane.queries.board import BoardFilter
from controlplane.queries.signals import Signal
from web.deliverables import LAYOUTS, VIEWS, Selection

_SIGNALS = {"attention", *Signal}
SHA256_LENGTH = 64


def board_filter(signal: str = "", agent: str = "", q: str = "", show: str = "", done: str = "") -> BoardFilter:
    """A filter from a query; what makes no sense there means "no filter"."""
    return BoardFilter(
        signal=signal if signal in _SIGNALS else "",
        agent=agent[:60],
        text=q.strip()[:200],
        shows_ended=show == "ended",
        shows_all_done=done == "all",
    )


def filter_query(wanted: BoardFilter) -> dict[str, str]:
    """The query that `board_filter` reads as `wanted`."""
    query = {
        "signal": wanted.signal,
        "agent": wanted.agent,
        "q": wanted.text,
        "show": "ended" if wanted.shows_ended else "",
        "done": "all" if wanted.shows_all_done else "",
    }
    return {name: value for name, value in query.items() if value}


class FilterLinks:
    """Addresses of the same board with one filter more or less."""

    def __init__(self, wanted: BoardFilter) -> None:
        self._query = filter_query(wanted)

    def with_(self, name: str, value: str) -> str:
        return "/?" + urlencode({**self._query, name: value})

    def without(self, name: str) -> str:
        rest = {key: value for key, value in self._query.items() if key != name}
        return "/?" + urlencode(rest) if rest else "/"


def selection(
    version: int = 0,
    view: str = "rendered",
    against: int = 0,
    layout: str = "",
    late: str = "",
    whole: str = "",
    calls: int = 0,
) -> Selection:
    """Which version of a deliverable, and how."""
    return Selection(
        version=version,
        view=view if view in VIEWS else VIEWS[0],
        against=against,
        layout=layout if layout in LAYOUTS else LAYOUTS[0],
        late=late if len(late) <= SHA256_LENGTH and late.isalnum() else "",
        is_whole=whole == "1",
        calls=calls,
    )


def selection_of(query: Mapping[str, str]) -> Selection:
    """The same from the query of a page's address, in which a person may have written anything."""

    def number(name: str) -> int:
        text = query.get(name, "")
        return int(text) if text.isdecimal() and len(text) < 7 else 0

    layout, late, whole = query.get("layout", ""), query.get("late", ""), query.get("whole", "")
    view = query.get("view", "")
    return selection(number("version"), view, number("against"), layout, late, whole, number("calls"))


def selection_query(wanted: Selection) -> dict[str, str]:
    """The query that `selection` reads as `wanted`."""
    query = {
        "version": str(wanted.version or ""),
        "view": wanted.view if wanted.view != VIEWS[0] else "",
        "against": str(wanted.against or ""),
        "layout": wanted.layout if wanted.layout != LAYOUTS[0] else "",
        "late": wanted.late,
        "whole": "1" if wanted.is_whole else "",
        "calls": str(wanted.calls or ""),
    }
    return {name: value for name, value in query.items() if value}


FilteredBoard = Annotated[BoardFilter, Depends(board_filter)]
Selected = Annotated[Selection, Depends(selection)]
