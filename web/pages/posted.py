"""A posted form: its fields as text, and the command id that makes sending it twice harmless."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, TypeVar

from fastapi import Depends, HTTPException, Request
from pointsman.contract import IDEMPOTENCY_HEADER, IdPrefix, new_id

MAX_FIELDS = 80  # a form that an agent asks with may have 40, and each choice may come with words
_COMMAND_ID = "command_id"

E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Posted:
    """What a person sent. A form that live fragments share carries no command id: its script adds one per click."""

    action: str
    fields: Mapping[str, str]
    command_id: str

    def text(self, name: str) -> str:
        """A field, empty when it is absent."""
        return self.fields.get(name, "").strip()

    def words(self, name: str) -> tuple[str, ...]:
        """A list with commas or spaces between."""
        return tuple(dict.fromkeys(part for part in self.text(name).replace(",", " ").split() if part))

    def number(self, name: str, default: int) -> int:
        text = self.text(name)
        return int(text) if text.isdecimal() and len(text) < 10 else default

    def choice(self, name: str, kind: type[E]) -> E:
        """A field that names a member of an enumeration. Raises 400 for anything else."""
        try:
            return kind(self.text(name))
        except ValueError:
            raise HTTPException(400, f"The field {name!r} cannot be {self.text(name)!r}.") from None

    def again(self) -> tuple[tuple[str, str], ...]:
        """The fields of a form that sends the very same command once more."""
        return (*((k, v) for k, v in self.fields.items() if k != _COMMAND_ID), (_COMMAND_ID, self.command_id))


async def read_posted(request: Request) -> Posted:
    """The form, also left at `request.state.posted` for whoever answers a failure."""
    form = await request.form(max_fields=MAX_FIELDS, max_files=0)
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    given = fields.get(_COMMAND_ID) or request.headers.get(IDEMPOTENCY_HEADER, "")
    command_id = given if 8 <= len(given) <= 100 and given.isprintable() else new_id(IdPrefix.COMMAND)
    posted = Posted(request.url.path, fields, command_id)
    request.state.posted = posted
    return posted


PostedForm = Annotated[Posted, Depends(read_posted)]
