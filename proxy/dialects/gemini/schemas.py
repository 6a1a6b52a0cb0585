"""JSON Schema as Gemini takes it, and Gemini's own OpenAPI subset as JSON Schema.

Of the two spellings a request may use, `parametersJsonSchema` is the wider one: it takes `additionalProperties`, lists
of types and null. Models that know it get it. `parameters` is the subset of OpenAPI 3.0 that older ones are left with:
no references, no unions of types, no closed objects. References are written out for both, since a reference may have no
neighbours and every schema library writes neighbours. https://ai.google.dev/api/caching#Schema (November 2026)
"""

from collections.abc import Callable, Iterator
from typing import Any

DEEPEST = 64  # levels; a schema that nests deeper is not one that a model follows
MOST_NODES = 20_000  # references written out can grow without end: beyond it they are left open

_COUNTS = ("minItems", "maxItems", "minLength", "maxLength", "minProperties", "maxProperties")
# What tools of every language write and no Gemini takes. The second group says something to the model or a checker.
_NOISE = {"$schema", "$id", "$comment", "discriminator", "examples", "example", "deprecated", "readOnly", "writeOnly"}
_REFUSED = {
    "not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas",
    "unevaluatedProperties", "unevaluatedItems", "contains", "minContains", "maxContains", "uniqueItems", "multipleOf",
    "exclusiveMinimum", "exclusiveMaximum", "additionalItems", "contentEncoding", "contentMediaType", "dependencies",
}  # fmt: skip
_OPENAPI = {
    "type", "format", "title", "description", "nullable", "enum", "maxItems", "minItems", "properties", "required",
    "minProperties", "maxProperties", "minLength", "maxLength", "pattern", "anyOf", "propertyOrdering", "default",
    "items", "minimum", "maximum",
}  # fmt: skip
_OPENAPI_FORMATS = {"float", "double", "int32", "int64", "date-time", "enum"}
_NO_SCHEMAS = {"enum", "const", "default", "examples", "example", "required", "type", "$defs", "definitions"}
_MAPS = ("properties", "$defs", "definitions", "patternProperties")
_LISTS = ("anyOf", "oneOf", "allOf", "prefixItems")

Schema = dict[str, Any]


def to_json_schema(schema: Schema) -> tuple[Schema, list[str]]:
    """For `parametersJsonSchema` and `responseJsonSchema`, with the keywords that had to go."""
    dropped: set[str] = set()
    whole: Schema = _rewritten(inline_references(schema), lambda node: _accepted(node, dropped))
    return whole, sorted(dropped)


def to_openapi(schema: Schema) -> tuple[Schema, list[str]]:
    """For `parameters` and `responseSchema`, with the keywords that had to go."""
    dropped: set[str] = set()
    closed = inline_references(schema, is_closed=True)
    whole: Schema = _rewritten(closed, lambda node: _as_openapi(_accepted(node, dropped), dropped))
    return whole, sorted(dropped)


def from_openapi(schema: Schema) -> Schema:
    """Gemini's subset as JSON Schema: types in lower case, null as a type, counts as numbers, properties in order."""
    whole: Schema = _rewritten(schema, _from_openapi_node)
    return whole


def inline_references(schema: Schema, *, is_closed: bool = False) -> Schema:
    """The schema with its local references written out.

    One that leads back into itself stays, with its definitions, or is any object when nothing may stay (`is_closed`).
    """
    inliner = _Inliner(schema, is_closed)
    whole: Schema = inliner.inlined(schema, (), 0)
    for name in ("$defs", "definitions"):
        if not inliner.left_open:
            whole.pop(name, None)
    return whole


class _Inliner:
    def __init__(self, root: Schema, is_closed: bool) -> None:
        self._root = root
        self._is_closed = is_closed
        self._left = MOST_NODES
        self.left_open: set[str] = set()

    def inlined(self, node: Any, path: tuple[str, ...], depth: int) -> Any:
        if isinstance(node, list):
            return [self.inlined(one, path, depth + 1) for one in node]
        if not isinstance(node, dict) or depth > DEEPEST:
            return node
        self._left -= 1
        reference = node.get("$ref")
        if isinstance(reference, str):
            return self._replaced(node, reference, path, depth)
        return self._members(node, path, depth)

    def _members(self, node: Schema, path: tuple[str, ...], depth: int) -> Schema:
        changed = dict(node)
        for name, value in node.items():
            if name in {"properties", "patternProperties"} and isinstance(value, dict):
                changed[name] = {key: self.inlined(one, path, depth + 1) for key, one in value.items()}
            elif name not in _NO_SCHEMAS and isinstance(value, dict | list):
                changed[name] = self.inlined(value, path, depth + 1)
        return changed

    def _replaced(self, node: Schema, reference: str, path: tuple[str, ...], depth: int) -> Schema:
        target = _pointed(self._root, reference)
        neighbours = self._members({name: value for name, value in node.items() if name != "$ref"}, path, depth)
        if target is None or reference in path or depth >= DEEPEST or self._left < 0:
            if self._is_closed or target is None:
                return {"type": "object", **neighbours}
            self.left_open.add(reference)
            return {"$ref": reference}
        whole: Schema = self.inlined(target, (*path, reference), depth + 1)
        return {**whole, **neighbours}


def _pointed(root: Schema, reference: str) -> Schema | None:
    node: Any = root
    if not reference.startswith("#"):
        return None
    for step in reference[1:].split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        node = node.get(name) if isinstance(node, dict) else None
    return node if isinstance(node, dict) else None


def _rewritten(node: Any, change: Callable[[Schema], Schema], depth: int = 0) -> Any:
    """Every schema in the schema, changed from the inside out. What stands under names of properties is no keyword."""
    if not isinstance(node, dict) or depth > DEEPEST:
        return node
    changed = dict(node)
    for name, inner in _inner(node):
        if name in _MAPS:
            changed[name] = {key: _rewritten(one, change, depth + 1) for key, one in inner.items()}
        elif isinstance(inner, list):
            changed[name] = [_rewritten(one, change, depth + 1) for one in inner]
        else:
            changed[name] = _rewritten(inner, change, depth + 1)
    return change(changed)


def _inner(node: Schema) -> Iterator[tuple[str, Any]]:
    for name, value in node.items():
        is_map = name in _MAPS and isinstance(value, dict)
        is_list = name in _LISTS and isinstance(value, list)
        is_one = name in {"items", "additionalProperties", "not", "contains"} and isinstance(value, dict | list)
        if is_map or is_list or is_one:
            yield name, value


def _accepted(node: Schema, dropped: set[str]) -> Schema:
    """Without what neither spelling takes."""
    kept = {name: value for name, value in node.items() if name not in _NOISE}
    if "const" in kept:
        kept["enum"] = [kept.pop("const")]
    for name, beside, step in (("exclusiveMinimum", "minimum", 1), ("exclusiveMaximum", "maximum", -1)):
        bound = kept.get(name)
        if kept.get("type") == "integer" and isinstance(bound, int) and not isinstance(bound, bool):
            kept.setdefault(beside, bound + step)
            del kept[name]
    for name in sorted(_REFUSED & kept.keys()):
        dropped.add(name)
        del kept[name]
    if isinstance(parts := kept.get("allOf"), list):
        del kept["allOf"]
        kept = _merged([one for one in parts if isinstance(one, dict)], kept)
    return kept


def _merged(parts: list[Schema], node: Schema) -> Schema:
    """`allOf` as one schema; what several say, the last one says."""
    merged: Schema = {}
    for part in [*parts, node]:
        properties = {**_object(merged.get("properties")), **_object(part.get("properties"))}
        required = [*_list(merged.get("required")), *_list(part.get("required"))]
        merged.update(part)
        if properties:
            merged["properties"] = properties
        if required:
            merged["required"] = [name for at, name in enumerate(required) if name not in required[:at]]
    return merged


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _object(value: object) -> Schema:
    return value if isinstance(value, dict) else {}


def _as_openapi(node: Schema, dropped: set[str]) -> Schema:
    if "oneOf" in node:
        node["anyOf"] = [*_list(node.get("anyOf")), *_list(node.pop("oneOf"))]
    kinds = node.get("type")
    if isinstance(kinds, list):
        _split_kinds(node, [kind for kind in kinds if kind != "null"], is_nullable="null" in kinds)
    _lift_null(node)
    _text_only_enum(node)
    kept = {name: value for name, value in node.items() if name in _OPENAPI}
    dropped.update(name for name in node.keys() - kept.keys() if not name.startswith("$"))
    if kept.get("type") == "string" and "format" in kept and str(kept["format"]) not in _OPENAPI_FORMATS:
        note = f"(format: {kept.pop('format')})"
        kept["description"] = f"{kept['description']} {note}" if kept.get("description") else note
    return kept


def _split_kinds(node: Schema, kinds: list[str], *, is_nullable: bool) -> None:
    """`type: [a, b, null]` → one type, or a union, that may be null."""
    if is_nullable:
        node["nullable"] = True
    if len(kinds) == 1:
        node["type"] = kinds[0]
    else:
        del node["type"]
        node["anyOf"] = [*_list(node.get("anyOf")), *({"type": kind} for kind in kinds)]


def _lift_null(node: Schema) -> None:
    """`anyOf: [x, null]` → x that may be null."""
    union = node.get("anyOf")
    if not isinstance(union, list) or {"type": "null"} not in union:
        return
    rest = [one for one in union if one != {"type": "null"}]
    node["nullable"] = True
    if len(rest) == 1 and isinstance(rest[0], dict):
        del node["anyOf"]
        node.update({name: value for name, value in rest[0].items() if name not in node})
    else:
        node["anyOf"] = rest


def _text_only_enum(node: Schema) -> None:
    """An enumeration is one of strings there; numbers are told in words."""
    values = node.get("enum")
    if not isinstance(values, list):
        return
    if None in values:
        node["nullable"] = True
        values = [value for value in values if value is not None]
    if values and all(isinstance(value, str) for value in values):
        node["enum"] = values
        node.setdefault("type", "string")
        return
    del node["enum"]
    note = f"One of {values!r}." if values else ""
    node["description"] = f"{node['description']} {note}".strip() if node.get("description") else note


def _from_openapi_node(node: Schema) -> Schema:
    changed = dict(node)
    kind = changed.get("type")
    if isinstance(kind, str):
        changed["type"] = kind = kind.lower()
        if kind == "type_unspecified":
            del changed["type"]
    for name in _COUNTS:  # int64 is a string in proto JSON
        if isinstance(count := changed.get(name), str) and count.isdecimal() and len(count) < 19:
            changed[name] = int(count)
    order = changed.pop("propertyOrdering", None)
    properties = changed.get("properties")
    if isinstance(order, list) and isinstance(properties, dict):
        known = [name for name in order if isinstance(name, str) and name in properties]
        changed["properties"] = {name: properties[name] for name in dict.fromkeys([*known, *properties])}
    if changed.pop("nullable", False):
        _allow_null(changed)
    return changed


def _allow_null(node: Schema) -> None:
    if isinstance(node.get("type"), str):
        node["type"] = [node["type"], "null"]
        if isinstance(node.get("enum"), list):
            node["enum"] = [*node["enum"], None]
    elif isinstance(node.get("anyOf"), list):
        node["anyOf"] = [*node["anyOf"], {"type": "null"}]
