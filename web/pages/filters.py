"""What stands in a page's query string, as typed values; page and live stream read the same one."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import Depends

from controlplane.queries.board import BoardFilter
from controlplane.queries.signals import Signal
from web.deliverables import VIEWS, Selection

_SIGNALS = {"attention", *Signal}


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


def selection(version: int = 0, view: str = "rendered") -> Selection:
    """Which version of a deliverable, and how."""
    return Selection(version, view if view in VIEWS else VIEWS[0])


FilteredBoard = Annotated[BoardFilter, Depends(board_filter)]
Selected = Annotated[Selection, Depends(selection)]
