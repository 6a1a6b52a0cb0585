"""Arguments of a function that come in pieces, each with the path of the value that it belongs to.

`{"partialArgs": [{"jsonPath": "$.city", "stringValue": "Bos", "willContinue": true}], "willContinue": true}`, on Vertex
with `streamFunctionCallArguments`: https://cloud.google.com/vertex-ai/generative-ai/docs/multimodal/function-calling
(November 2026). A piece of a string is added to what the path holds, everything else replaces it.
"""

import re
from itertools import pairwise
from typing import Any

from proxy.dialects.gemini.spelling import members

MOST_ITEMS = 100_000  # a path's index comes from outside and makes a list that long

_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]|\[(['\"])(.*?)\3\]")
_VALUES = ("stringValue", "numberValue", "boolValue")


class PartialArguments:
    """Grows piece by piece. `whole` is what the pieces have said so far."""

    def __init__(self, whole: dict[str, Any] | None = None) -> None:
        self.whole: dict[str, Any] = dict(whole or {})

    def add(self, pieces: object) -> None:
        for one in pieces if isinstance(pieces, list) else ():
            piece = members(one)
            path = _steps(str(piece.get("jsonPath", "")))
            if path:
                self._put(path, _value(piece))

    def _put(self, path: list[str | int], value: Any) -> None:
        place: Any = self.whole
        for step, following in pairwise(path):
            place = _entered(place, step, [] if isinstance(following, int) else {})
            if place is None:
                return
        held = _held(place, path[-1])
        _set(place, path[-1], held + value if isinstance(held, str) and isinstance(value, str) else value)


def _steps(path: str) -> list[str | int]:
    return [int(found[2]) if found[2] else found[1] or found[4] for found in _STEP.finditer(path.removeprefix("$"))]


def _value(piece: dict[str, Any]) -> Any:
    return next((piece[name] for name in _VALUES if name in piece), None)


def _held(place: Any, step: str | int) -> Any:
    if isinstance(place, dict):
        return place.get(step)
    return place[step] if isinstance(place, list) and isinstance(step, int) and step < len(place) else None


def _set(place: Any, step: str | int, value: Any) -> None:
    if isinstance(place, dict):
        place[step] = value
    elif isinstance(place, list) and isinstance(step, int) and step < MOST_ITEMS:
        place.extend([None] * (step + 1 - len(place)))
        place[step] = value


def _entered(place: Any, step: str | int, empty: Any) -> Any:
    """The object or list at a step, made where there is none."""
    held = _held(place, step)
    if not isinstance(held, dict | list):
        _set(place, step, empty)
        held = _held(place, step)
    return held
