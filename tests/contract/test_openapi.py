"""The description of the JSON API is whole, is true of its examples, and is what the reference page shows."""

import importlib.util
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pointsman.contract import ErrorCode

from controlplane.api.app import openapi_document
from controlplane.api.openapi import TAGS
from controlplane.api.problems import STATUS, TITLES

ROOT = Path(__file__).parent.parent.parent
DOCUMENT = openapi_document()
BY_CONTENT = {"run_submit", "upload_append"}  # the same content, or the same offset, is the same again
CHANGES_NOTHING = {"mention_preview", "run_beat"}
BOUNDED = {"task_chain", "task_why", "mention_candidates"}  # whole answers, and no lists to page through


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


OPERATIONS = [pytest.param(*one, id=one[2]["operationId"]) for one in operations()]


def parameters(operation: dict[str, Any]) -> set[str]:
    return {parameter["name"].lower() for parameter in operation.get("parameters", ())}


def resolved(found: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in found:
        name = found["$ref"].removeprefix("#/").split("/")
        found = DOCUMENT
        for step in name:
            found = found[step]
    return found


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def json_answer(operation: dict[str, Any]) -> dict[str, Any]:
    """The first good answer's JSON, with schema and example; empty when there is none."""
    good = min(status for status in operation["responses"] if status < "300")
    return dict(operation["responses"][good].get("content", {}).get("application/json", {}))


def test_the_reference_page_is_made_from_what_is_served():
    spec = importlib.util.spec_from_file_location("docs_generate_api", ROOT / "docs" / "generate_api.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    assert (ROOT / "docs/reference/api.md").read_text(encoding="utf-8") == generator.render_api()


def test_it_is_openapi_3_1_under_the_prefix_with_a_bearer_key():
    assert DOCUMENT["openapi"] == "3.1.0"
    assert DOCUMENT["servers"] == [{"url": "/api/v1"}]
    assert DOCUMENT["security"] == [{"key": []}]
    assert DOCUMENT["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_every_schema_is_a_schema_with_a_name_of_its_own():
    schemas = DOCUMENT["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"[A-Z][A-Za-z]+", name)] == []
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_every_reference_leads_somewhere():
    text = str(DOCUMENT)
    for name in set(re.findall(r"'\$ref': '(#/components/[^']+)'", text)):
        assert resolved({"$ref": name}), name


def test_every_operation_has_a_name_of_its_own():
    names = [operation["operationId"] for _, _, operation in operations()]
    assert [name for name, times in Counter(names).items() if times > 1] == []
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)*", name)] == []


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_an_operation_says_what_it_does_to_whom_and_who_may(path: str, method: str, operation: dict[str, Any]):
    assert operation["description"].strip().endswith(".")
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in TAGS
    assert set(operation["x-callers"]) <= {"admin", "agent", "run"}
    assert operation["x-callers"]


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_a_mutation_takes_an_idempotency_key(path: str, method: str, operation: dict[str, Any]):
    is_mutation = method not in {"get", "head"} and operation["operationId"] not in BY_CONTENT | CHANGES_NOTHING
    has_id = "idempotency-key" in parameters(operation)
    assert has_id is is_mutation or operation["operationId"] == "upload_forget"  # gone is gone


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_a_list_comes_in_pages(path: str, method: str, operation: dict[str, Any]):
    fields = resolved(json_answer(operation).get("schema", {})).get("properties", {})
    is_list = method == "get" and len(fields) <= 2 and any(field.get("type") == "array" for field in fields.values())
    is_paged = {"limit", "cursor"} <= parameters(operation) and "next_cursor" in fields
    assert is_paged is (is_list and operation["operationId"] not in BOUNDED)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_the_example_of_an_answer_fits_its_schema(path: str, method: str, operation: dict[str, Any]):
    answer = json_answer(operation)
    if answer:
        validator(answer["schema"]).validate(answer["example"])


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_the_example_of_a_body_fits_its_schema(path: str, method: str, operation: dict[str, Any]):
    schema = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    if schema is not None:
        named = next(one for one in (schema, *schema.get("anyOf", ())) if "$ref" in one)
        (example,) = resolved(named)["examples"]
        assert resolved(named)["additionalProperties"] is False
        validator(schema).validate(example)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_every_no_has_its_status_and_an_example(path: str, method: str, operation: dict[str, Any]):
    for status, answer in operation["responses"].items():
        if status < "400" or status == "416":
            continue
        content = resolved(answer)["content"]["application/problem+json"]
        for code, example in content["examples"].items():
            assert int(status) in {STATUS[ErrorCode(code)], 400 if code == "invalid_request" else 0}
            validator(content["schema"]).validate(example["value"])


def test_every_documented_status_of_an_error_is_the_one_that_is_answered():
    rows = re.findall(
        r"^\| `([a-z_]+)` \| ([^|]*) \|", (ROOT / "docs/reference/errors.md").read_text("utf-8"), re.MULTILINE
    )
    documented = dict(rows)
    for code, status in STATUS.items():
        assert str(status) in documented[code], code


def test_every_problem_has_a_title():
    assert set(STATUS) <= set(TITLES)
