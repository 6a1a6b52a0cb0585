"""What fields are made of, with their limits."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

MAX_TITLE = 200
MAX_TEXT = 100_000

NO_NUL = r"^[^\x00]*$"  # the one character that a text in PostgreSQL cannot hold

Name = Annotated[str, Field(min_length=1, max_length=40, pattern=NO_NUL)]
Reference = Annotated[str, Field(min_length=1, max_length=60, pattern=NO_NUL)]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE, pattern=NO_NUL)]
Text = Annotated[str, Field(max_length=MAX_TEXT, pattern=NO_NUL)]
Words = Annotated[str, Field(min_length=1, max_length=MAX_TEXT, pattern=NO_NUL)]
Names = Annotated[tuple[Name, ...], Field(max_length=50)]
References = Annotated[tuple[Reference, ...], Field(min_length=1, max_length=200)]
Priority = Annotated[int, Field(ge=1, le=5, strict=True)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Body(BaseModel):
    """Base of all bodies."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def example(**fields: Any) -> ConfigDict:
    """A body's configuration with its example."""
    return ConfigDict(json_schema_extra={"examples": [fields]})
