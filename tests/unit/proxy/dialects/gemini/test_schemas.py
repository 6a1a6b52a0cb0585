from typing import Any

import pytest

from proxy.dialects.gemini.schemas import from_openapi, inline_references, to_json_schema, to_openapi

ADDRESS = {"type": "object", "properties": {"street": {"type": "string"}}, "required": ["street"]}
WITH_REFERENCE = {
    "type": "object",
    "properties": {"home": {"$ref": "#/$defs/Address", "description": "where they live"}},
    "$defs": {"Address": ADDRESS},
}
TREE = {"$ref": "#/$defs/Node", "$defs": {"Node": {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}}}


def test_a_reference_is_written_out_with_what_stands_beside_it() -> None:
    expected = {"type": "object", "properties": {"home": {**ADDRESS, "description": "where they live"}}}
    assert inline_references(WITH_REFERENCE) == expected
    assert to_openapi(WITH_REFERENCE) == (expected, [])
    assert to_json_schema(WITH_REFERENCE) == (expected, [])


def test_a_schema_that_holds_itself_ends_where_it_begins_again() -> None:
    closed, _ = to_openapi(TREE)
    assert closed == {"type": "object", "properties": {"next": {"type": "object"}}}
    left_open, _ = to_json_schema(TREE)
    assert left_open["properties"]["next"] == {"$ref": "#/$defs/Node"}
    assert left_open["$defs"] == TREE["$defs"]


def test_references_that_multiply_end_before_they_fill_the_memory() -> None:
    bomb: dict[str, Any] = {"L0": {"type": "string"}}
    for level in range(1, 30):
        inner = {"$ref": f"#/$defs/L{level - 1}"}
        bomb[f"L{level}"] = {"type": "object", "properties": {"a": inner, "b": inner}}
    schema, _ = to_json_schema({"$ref": "#/$defs/L29", "$defs": bomb})
    assert len(str(schema)) < 10_000_000


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("additionalProperties", False),
        ("patternProperties", {"^x": {"type": "string"}}),
        ("not", {"type": "null"}),
        ("uniqueItems", True),
    ],
)
def test_what_the_subset_refuses_is_dropped_and_named(keyword: str, value: object) -> None:
    assert to_openapi({"type": "object", keyword: value}) == ({"type": "object"}, [keyword])


def test_a_closed_object_stays_closed_in_json_schema() -> None:
    schema = {"type": "object", "additionalProperties": False, "properties": {"a": {"type": ["string", "null"]}}}
    assert to_json_schema(schema) == (schema, [])


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"type": "string", "nullable": True}),
        ({"type": ["string", "integer"]}, {"anyOf": [{"type": "string"}, {"type": "integer"}]}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": "integer", "nullable": True}),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        ({"const": "x"}, {"enum": ["x"], "type": "string"}),
        ({"type": "integer", "enum": [1, 2]}, {"type": "integer", "description": "One of [1, 2]."}),
        ({"type": "string", "format": "uri"}, {"type": "string", "description": "(format: uri)"}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"type": "integer", "exclusiveMinimum": 0}, {"type": "integer", "minimum": 1}),
        (
            {"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]}], "type": "object"},
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        ),
    ],
)
def test_the_subset_says_in_its_own_way_what_json_schema_says(schema: Any, expected: Any) -> None:
    assert to_openapi(schema) == (expected, [])


def test_a_property_may_have_the_name_of_a_keyword() -> None:
    schema = {"type": "object", "properties": {"const": {"type": "string"}, "$ref": {"type": "string"}}}
    assert to_openapi(schema) == (schema, [])


def test_a_reference_under_a_property_with_the_name_of_a_keyword_is_written_out_too() -> None:
    schema = {"properties": {"default": {"$ref": "#/$defs/Address"}}, "$defs": {"Address": ADDRESS}}
    assert inline_references(schema) == {"properties": {"default": ADDRESS}}


def test_a_schema_deeper_than_any_model_follows_breaks_nothing() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(5000):
        deep = {"type": "array", "items": deep}
    to_openapi(deep)
    to_json_schema(deep)
    from_openapi(deep)


def test_the_subset_read_as_json_schema_keeps_order_counts_and_null() -> None:
    subset = {
        "type": "OBJECT",
        "properties": {"b": {"type": "INTEGER", "nullable": True}, "a": {"type": "ARRAY", "minItems": "2"}},
        "propertyOrdering": ["a", "b"],
    }
    found = from_openapi(subset)
    assert found == {
        "type": "object",
        "properties": {"a": {"type": "array", "minItems": 2}, "b": {"type": ["integer", "null"]}},
    }
    assert list(found["properties"]) == ["a", "b"]
