"""Typed questions: from what a program wants to know to the wire, and from the answer to what the program gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

Form = type[BaseModel] | dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. `form` is a pydantic model, whose instance is the answer, or the JSON Schema of a flat object."""

    text: str
    kind: str = "text"
    choices: tuple[str, ...] = ()
    form: Form | None = None
    expires_in_seconds: float | None = None

    def body(self, question_id: str) -> dict[str, Any]:
        """The JSON that asks it; what has its default is left out, for servers that do not know it yet."""
        said: dict[str, Any] = {"text": self.text, "question_id": question_id}
        if self.kind != "text":
            said["kind"] = self.kind
        if self.choices:
            said["choices"] = list(self.choices)
        if self.form is not None:
            said["form"] = self.form if isinstance(self.form, dict) else self.form.model_json_schema()
        if self.expires_in_seconds is not None:
            said["expires_in_seconds"] = self.expires_in_seconds
        return said

    def read(self, answer: Any) -> Any:
        """The answer as the program asked for it; None when nobody answered in time."""
        if answer is None or self.form is None or isinstance(self.form, dict):
            return answer
        return self.form.model_validate(answer)


def question(
    text: str, choices: Sequence[str] = (), form: Form | None = None, expires_in_seconds: float | None = None
) -> Asked:
    """A question whose kind follows from what is given. Raises ValueError for choices and a form together."""
    if choices and form is not None:
        raise ValueError("A question has choices or a form, not both.")
    kind = "choice" if choices else "form" if form is not None else "text"
    return Asked(text, kind, tuple(choices), form, expires_in_seconds)


def approval(text: str, expires_in_seconds: float | None = None) -> Asked:
    """A question for yes or no."""
    return Asked(text, "approval", expires_in_seconds=expires_in_seconds)
