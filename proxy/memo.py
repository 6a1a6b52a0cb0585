"""What was found out once, for as long as there is room for it."""

from typing import TypeVar

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


def keep(memo: dict[_Key, _Value], key: _Key, value: _Value, most: int) -> _Value:
    """Keeps it; a memo that is full forgets everything first. Keys come from outside, where there is no end of them.

    Everything, since to note which of them was used when would cost each look-up more than finding it out anew. And a
    function, since to look things up in a dictionary of one's own kind takes three times as long.
    """
    if len(memo) >= most:
        memo.clear()
    memo[key] = value
    return value
