"""Bodies of what agents say: of themselves, of their runs, and of the files they hand in."""

from typing import Annotated, Any, Literal

from pydantic import Field

from controlplane.api.bodies.fields import (
    MAX_TITLE,
    NO_NUL,
    Body,
    Digest,
    Name,
    Names,
    Reference,
    Text,
    Words,
    example,
)
from controlplane.api.bodies.tasks import TaskWish
from controlplane.commands.contents import MAX_URL

MAX_CONTENT = 4 * 1024 * 1024
# A name, not a path; nothing that is not seen, and nothing that turns the direction of what is read ("gpj.exe").
FILE_NAME = r"^[^/\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]{1,200}$"
MEDIA_TYPE = r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"


class Next(Body):
    """Without capabilities those count that the agent is registered with."""

    model_config = example(wait_seconds=20, capabilities=["writing"], concurrency=1)
    wait_seconds: Annotated[float, Field(ge=0, le=30)] = 20.0
    capabilities: Names = ()
    name: Name | None = None
    concurrency: Annotated[int, Field(ge=1, le=64, strict=True)] = 1


class Beat(Body):
    model_config = example(progress="Reading the third of five reports.")
    progress: Annotated[str, Field(max_length=500, pattern=NO_NUL)] | None = None


class Submission(Body):
    """A deliverable: `content`, a link's `url`, or a file's `upload_id`. `format` is the older word for `kind`."""

    model_config = example(kind="markdown", content="# Release notes\n\nNew: …", title="Release notes 2.4")
    kind: Literal["markdown", "text", "code", "link", "file"] | None = None
    format: Literal["markdown", "text"] | None = None
    content: Annotated[str, Field(max_length=MAX_CONTENT)] | None = None
    url: Annotated[str, Field(max_length=MAX_URL)] | None = None
    upload_id: Reference | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+#.-]{0,40}$")] = ""
    name: Annotated[str, Field(pattern=rf"^$|{FILE_NAME}")] = ""
    title: Annotated[str, Field(max_length=MAX_TITLE, pattern=NO_NUL)] = ""


class NewUpload(Body):
    model_config = example(name="report.pdf", media_type="application/pdf", size_bytes=48_213)
    name: Annotated[str, Field(pattern=FILE_NAME)]
    media_type: Annotated[str, Field(pattern=MEDIA_TYPE, max_length=127)] = "application/octet-stream"
    size_bytes: Annotated[int, Field(ge=0, le=2**53, strict=True)]  # JSON's numbers are exact up to there
    sha256: Digest | None = None


class Release(Body):
    model_config = example(reason="The shift is over.")
    reason: Text = ""


class Failure(Body):
    model_config = example(reason="exception", message="KeyError: 'region'")
    reason: Annotated[str, Field(max_length=80, pattern=NO_NUL)] = "failed"
    message: Text = ""


class Question(Body):
    """A typed question to a person. Not answered within `expires_in_seconds`, the answer is no."""

    model_config = example(text="Which tone?", kind="choice", choices=["calm", "bold"], expires_in_seconds=3600)
    text: Words
    kind: Literal["text", "choice", "form", "approval"] = "text"
    choices: Annotated[tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=50)] = ()
    form: dict[str, Any] | None = None
    expires_in_seconds: Annotated[float, Field(ge=1, le=30 * 24 * 3600)] | None = None
    question_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")] | None = None


class Checkpoint(Body):
    """What the next run goes on from: any JSON."""

    model_config = example(state={"chapter": 3, "sources": ["a", "b"]}, note="Three of five chapters are written.")
    state: Any
    note: Annotated[str, Field(max_length=500, pattern=NO_NUL)] = ""


class Obstacle(Body):
    """What keeps the run: a person is asked, or it lets go until the tasks are done or what is outside is there."""

    model_config = example(on="task", text="It builds on the figures.", tasks=["T-11"])
    on: Literal["human", "task", "external"]
    text: Words
    tasks: Annotated[tuple[Reference, ...], Field(max_length=200)] = ()


class Subtask(TaskWish):
    """A part of the run's own task, which is its parent."""

    model_config = example(title="Collect the figures", needs=["research"])
