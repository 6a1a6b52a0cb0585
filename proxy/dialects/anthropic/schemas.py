"""JSON Schema → what Anthropic's structured output accepts.

https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations (November 2026): every
object is closed, and bounds on numbers, strings and lists are refused. As in Anthropic's own SDK, what is taken out is
told to the model in the description.
"""

from collections.abc import Iterator
from typing import Any

import orjson

Schema = dict[str, Any]

_KEPT = {"type", "title", "description", "enum", "const", "default", "required", "$ref", "properties", "items",
         "anyOf", "oneOf", "allOf", "$defs", "definitions", "additionalProperties"}  # fmt: skip
_DROPPED = {"$schema", "$id"}
_FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid")
_DEFINED = ("$defs", "definitions")
_MOST_OPTIONAL = 24
_CHOICES = ("anyOf", "oneOf", "allOf")
_DEEPEST = 60  # a schema that nests deeper is not one that a model can follow


def restrict(schema: Schema, depth: int = 0) -> tuple[Schema, bool]:
    """The schema that is accepted, and whether something had to be put in words instead."""
    if depth > _DEEPEST:
        return schema, False
    restricted: Schema = {}
    told: Schema = {}
    is_less = False
    for name, value in schema.items():
        if name in _DROPPED:
            continue
        if not _is_accepted(name, value):
            told[name] = value
            continue
        found, is_less_inside = _restrict_member(name, value, depth + 1)
        restricted["anyOf" if name == "oneOf" else name] = found
        is_less = is_less or is_less_inside
    if schema.get("type") == "object" or "properties" in schema:
        is_less = is_less or schema.get("additionalProperties", False) is not False
        restricted["additionalProperties"] = False
    if told:
        words = orjson.dumps(told).decode()
        restricted["description"] = "\n\n".join(filter(None, [str(schema.get("description") or ""), words]))
    return restricted, is_less or bool(told)


def is_compilable(schema: Schema) -> bool:
    """Whether Anthropic can hold a model to it: no reference that leads back to itself, and few optional members."""
    named = {f"#/{word}/{name}": one for word in _DEFINED for name, one in _dict(schema.get(word)).items()}
    leads_to = {path: set(_references(one)) for path, one in named.items()}
    is_recursive = "#" in _references(schema) or any(path in _reached(path, leads_to) for path in leads_to)
    return not is_recursive and _optional(schema) <= _MOST_OPTIONAL


def _reached(start: str, leads_to: dict[str, set[str]]) -> set[str]:
    reached: set[str] = set()
    open_ends = [start]
    while open_ends:
        for path in leads_to.get(open_ends.pop(), set()) - reached:
            reached.add(path)
            open_ends.append(path)
    return reached


def _references(value: Any) -> list[str]:
    return [reference for one in _objects(value) if isinstance(reference := one.get("$ref"), str)]


def _optional(schema: Schema) -> int:
    return sum(
        len(set(_dict(one.get("properties"))) - set(map(str, _list(one.get("required"))))) for one in _objects(schema)
    )


def _objects(value: Any) -> Iterator[Schema]:
    """All objects in a JSON value, itself among them."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def flatten(schema: Schema) -> tuple[Schema, bool]:
    """A tool's schema, which must be one object at its top: no reference, no choice. True: it asks for less now.

    Of a choice all members are offered, those of a variant being required only where all variants do so.
    """
    top = _resolve(schema)
    variants = [one for word in _CHOICES for one in _list(top.get(word)) if isinstance(one, dict)]
    if not variants:
        return (top, False) if top.get("type") == "object" else ({**top, "type": "object"}, False)
    flat = {name: value for name, value in top.items() if name not in _CHOICES}
    flat["type"] = "object"
    flat["properties"] = {}
    for one in (*variants, top):
        flat["properties"] |= _dict(one.get("properties"))
    required = [_list(one.get("required")) for one in variants]
    is_needed = any if "allOf" in top else all
    flat["required"] = [
        name
        for name in flat["properties"]
        if name in _list(top.get("required")) or is_needed(name in one for one in required)
    ]
    return flat, True


def _resolve(schema: Schema) -> Schema:
    """With what a reference at its very top names in its place."""
    reference = schema.get("$ref")
    if not isinstance(reference, str):
        return schema
    named = _dict(schema.get("$defs")) | _dict(schema.get("definitions"))
    return {**_dict(named.get(reference.rpartition("/")[2])), **{k: v for k, v in schema.items() if k != "$ref"}}


def _dict(value: Any) -> Schema:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_accepted(name: str, value: Any) -> bool:
    return name in _KEPT or (name == "format" and value in _FORMATS) or (name == "minItems" and value in (0, 1))


def _restrict_member(name: str, value: Any, depth: int) -> tuple[Any, bool]:
    if name in {"properties", "$defs", "definitions"} and isinstance(value, dict):
        pairs = {key: _restrict_any(one, depth) for key, one in value.items()}
        return {key: one for key, (one, _) in pairs.items()}, any(less for _, less in pairs.values())
    if name in {"anyOf", "oneOf", "allOf"} and isinstance(value, list):
        items = [_restrict_any(one, depth) for one in value]
        return [one for one, _ in items], any(less for _, less in items)
    return _restrict_any(value, depth) if name == "items" else (value, False)


def _restrict_any(value: Any, depth: int) -> tuple[Any, bool]:
    return restrict(value, depth) if isinstance(value, dict) else (value, False)
