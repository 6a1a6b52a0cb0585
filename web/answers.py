"""An agent's question as a form, and the form that comes back as the answer it was asked for.

A form is the JSON Schema of a flat object. Each property becomes a field: a choice for `enum`, a tick for a boolean, a
number where a number is wanted, text for the rest. What a field cannot hold is refused by the schema, not here.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controlplane.domain.state import Question

LONG_TEXT = 200  # characters that a field may be asked to hold before it becomes several lines high


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form. `kind` is text, lines, number, integer, tick or choice."""

    name: str
    label: str
    kind: str
    hint: str = ""
    is_required: bool = False
    choices: tuple[str, ...] = ()
    default: str = ""
    minimum: float | None = None
    maximum: float | None = None
    max_length: int | None = None


def fields_of(schema: Mapping[str, Any]) -> tuple[Field, ...]:
    """The fields of a schema, in its order."""
    required = schema.get("required", ())
    return tuple(
        _field(name, rule if isinstance(rule, dict) else {}, is_required=name in required)
        for name, rule in schema.get("properties", {}).items()
    )


def _field(name: str, rule: Mapping[str, Any], *, is_required: bool) -> Field:
    default = rule.get("default", "")
    return Field(
        name=name,
        label=str(rule.get("title") or name.replace("_", " ").capitalize()),
        kind=_kind(rule),
        hint=str(rule.get("description", "")),
        is_required=is_required,
        choices=tuple(_text(choice) for choice in rule.get("enum", ())),
        default=_text(default) if default != "" else "",
        minimum=rule.get("minimum"),
        maximum=rule.get("maximum"),
        max_length=rule.get("maxLength"),
    )


def _kind(rule: Mapping[str, Any]) -> str:
    if "enum" in rule:
        return "choice"
    kind = rule.get("type")
    if isinstance(kind, list):  # ["string", "null"]: what is not null
        kind = next((one for one in kind if one != "null"), "string")
    named = {"boolean": "tick", "integer": "integer", "number": "number"}.get(str(kind))
    return named or ("lines" if rule.get("maxLength", 0) > LONG_TEXT else "text")


def read_answer(question: Question, posted: Mapping[str, str]) -> tuple[str, Any]:
    """Words and value as the question asks for them; a form's fields are named `field.NAME`."""
    text = posted.get("text", "").strip()
    match question.kind:
        case "approval":
            return text, {"approve": True, "deny": False}.get(posted.get("value", ""))
        case "choice":
            return text, posted.get("value")
        case "form":
            return text, dict(_given(question.form, posted))
    return text, None


def _given(schema: Mapping[str, Any], posted: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for field in fields_of(schema):
        given = posted.get(f"field.{field.name}", "").strip()
        if field.kind == "tick":
            yield field.name, bool(given)
        elif given:
            yield field.name, _value(field, schema["properties"][field.name], given)


def _value(field: Field, rule: Mapping[str, Any], given: str) -> Any:
    """What cannot be read as wanted goes as it was typed: the schema's own sentence says what is wrong with it."""
    if field.kind == "choice":
        return next((choice for choice in rule["enum"] if _text(choice) == given), given)
    try:
        if field.kind == "integer":
            return int(given)
        if field.kind == "number":
            return float(given)
    except ValueError:
        pass
    return given


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
