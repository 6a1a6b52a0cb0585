"""JSON with some of its members replaced by what has no place there."""

import copy
import random
from typing import Any

JUNK: list[Any] = [None, True, 0, -1, 1.5, "", "x", [], {}, [None], ["x"], [{}], {"a": 1}, {"type": "text"}]


def damaged(value: Any, dice: random.Random) -> Any:
    value = copy.deepcopy(value)
    for _ in range(dice.choice((1, 1, 2, 4))):
        if places := _places(value):
            holder, key = dice.choice(places)
            holder[key] = copy.deepcopy(dice.choice(JUNK))
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    return [place for key in keys for place in ((value, key), *_places(value[key]))]
