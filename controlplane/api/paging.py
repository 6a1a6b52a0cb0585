"""Pages of lists: `limit`, `cursor`, `next_cursor`.

A cursor names the last row that was shown, by the columns the list is ordered by. So a page neither repeats nor skips
a row when others come or go in between. Clients take it as it is: what stands inside may change.
"""

import base64
import binascii
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, NamedTuple, TypeVar

import msgspec
from fastapi import Depends, Query
from pointsman.contract import ErrorCode
from sqlalchemy import ColumnElement, Integer, RowMapping, Select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.commands.desk import refused

MOST = 200  # rows of one page
LARGEST = 2**63  # what a database takes for a whole number

Key = tuple[str | int, ...]
Item = TypeVar("Item")


class PageWish(NamedTuple):
    """How many rows, and after which cursor."""

    limit: int
    cursor: str | None


def page_wish(
    limit: Annotated[int, Query(ge=1, le=MOST, description="Rows of a page.")] = 50,
    cursor: Annotated[
        str | None, Query(max_length=400, description="`next_cursor` of the page before; take it as it is.")
    ] = None,
) -> PageWish:
    return PageWish(limit, cursor)


Page = Annotated[PageWish, Depends(page_wish)]


async def read_page(
    session: AsyncSession,
    query: Select[Any],
    order: Sequence[ColumnElement[Any]],
    wish: PageWish,
    *,
    is_descending: bool = False,
) -> tuple[list[RowMapping], str | None]:
    """The rows of one page and the next cursor. `order` is unique together, and among the selected columns."""
    if wish.cursor is not None:
        last = parse_cursor(wish.cursor, [int if isinstance(column.type, Integer) else str for column in order])
        query = query.where(tuple_(*order) < last if is_descending else tuple_(*order) > last)
    ordered = query.order_by(*(column.desc() if is_descending else column.asc() for column in order))
    rows = list((await session.execute(ordered.limit(wish.limit + 1))).mappings())
    shown = rows[: wish.limit]
    is_last = len(rows) <= wish.limit
    return shown, None if is_last else render_cursor(tuple(shown[-1][column] for column in order))


def page_of(items: Iterable[Item], key: Callable[[Item], Key], wish: PageWish) -> tuple[list[Item], str | None]:
    """The same for a list that is read whole and small; `key` is unique and gives the order."""
    ordered = sorted(items, key=key)
    if wish.cursor is not None and ordered:
        last = parse_cursor(wish.cursor, [type(part) for part in key(ordered[0])])
        ordered = [item for item in ordered if key(item) > last]
    shown = ordered[: wish.limit]
    return shown, render_cursor(key(shown[-1])) if len(ordered) > wish.limit else None


def render_cursor(key: Key) -> str:
    """Text that needs no escaping in a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def parse_cursor(text: str, types: Sequence[type]) -> Key:
    """The key in it. Raises CommandRefused(invalid_request) for what no page of this list has given out."""
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        key = msgspec.json.decode(raw, type=tuple[str | int, ...])
    except (binascii.Error, ValueError):
        raise _not_ours() from None
    if [type(part) for part in key] != list(types) or any(
        isinstance(part, int) and abs(part) >= LARGEST for part in key
    ):
        raise _not_ours()
    return key


def _not_ours() -> Exception:
    return refused(ErrorCode.INVALID_REQUEST, "This cursor is not of this list. Begin without one.", field="cursor")
