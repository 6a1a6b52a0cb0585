"""A schema becomes a form, and what comes back has the types that were asked for."""

import pytest

from controlplane.domain.state import Question
from tests.fakes.situations import FORM
from web.answers import fields_of, read_answer


def question(kind: str, **more: object) -> Question:
    return Question("q_1", "r_1", "Which?", 1, kind=kind, **more)  # type: ignore[arg-type]


def test_each_property_becomes_the_field_that_can_hold_it() -> None:
    fields = {field.name: field for field in fields_of(FORM)}
    assert {name: field.kind for name, field in fields.items()} == {
        "region": "choice",
        "year": "integer",
        "currency": "text",
        "with_vat": "tick",
        "remarks": "lines",
    }
    assert [name for name, field in fields.items() if field.is_required] == ["region", "year"]
    assert fields["region"].choices == ("Nordics", "DACH", "Benelux")
    assert (fields["year"].minimum, fields["year"].maximum) == (2020, 2030)
    assert fields["with_vat"].hint == "As households pay them."


def test_a_form_comes_back_typed_and_without_what_was_left_empty() -> None:
    posted = {
        "field.region": "DACH",
        "field.year": "2026",
        "field.currency": "",
        "field.with_vat": "1",
        "field.other": "x",
    }
    assert read_answer(question("form", form=FORM), posted) == (
        "",
        {"region": "DACH", "year": 2026, "with_vat": True},
    )


def test_a_tick_that_is_not_set_is_a_no_and_not_nothing() -> None:
    assert read_answer(question("form", form=FORM), {"field.region": "DACH"})[1]["with_vat"] is False


def test_what_cannot_be_read_as_a_number_goes_to_the_schema_as_it_was_typed() -> None:
    assert read_answer(question("form", form=FORM), {"field.year": "soon"})[1]["year"] == "soon"


@pytest.mark.parametrize("enum", [[1, 2, 3], [True, False], ["1", "2"]])
def test_a_choice_keeps_the_type_that_the_schema_gave_it(enum: list[object]) -> None:
    schema = {"type": "object", "properties": {"n": {"enum": enum}}}
    chosen = fields_of(schema)[0].choices[1]
    assert read_answer(question("form", form=schema), {"field.n": chosen})[1] == {"n": enum[1]}


def test_an_approval_is_yes_no_or_nothing_at_all() -> None:
    assert read_answer(question("approval"), {"value": "approve", "text": " go "}) == ("go", True)
    assert read_answer(question("approval"), {"value": "deny"}) == ("", False)
    assert read_answer(question("approval"), {}) == ("", None)


def test_odd_schemas_become_plain_fields_instead_of_failing() -> None:
    schema = {"properties": {"a": True, "b": {"type": ["null", "number"]}, "c": {}}}
    assert [field.kind for field in fields_of(schema)] == ["text", "number", "text"]
