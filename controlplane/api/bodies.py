"""What clients may send, strictly: an unknown field is a typing error, and is said so."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from controlplane.commands.contents import MAX_URL

MAX_TITLE = 200
MAX_TEXT = 100_000
MAX_CONTENT = 4 * 1024 * 1024

# A name, not a path; nothing that is not seen, and nothing that turns the direction of what is read ("gpj.exe").
FILE_NAME = r"^[^/\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]{1,200}$"
MEDIA_TYPE = r"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+$"

Name = Annotated[str, Field(min_length=1, max_length=40)]
Reference = Annotated[str, Field(min_length=1, max_length=60)]
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Words = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]
Names = Annotated[list[Name], Field(max_length=50)]
Priority = Annotated[int, Field(ge=1, le=5, strict=True)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NewTask(_Body):
    title: Title
    brief: Text = ""
    needs: Names = []
    priority: Priority = 3
    agent: Name | None = None
    blockers: Annotated[list[Reference], Field(max_length=200)] = []
    backlog: bool = False
    project_id: Reference | None = None


class TaskEdit(_Body):
    title: Title | None = None
    brief: Text | None = None
    needs: Names | None = None
    priority: Priority | None = None


class Assignment(_Body):
    agent: Name | None


class Move(_Body):
    to: Literal["backlog", "ready"]


class Cancellation(_Body):
    reason: Text = ""


class Review(_Body):
    verdict: Literal["approve", "request_changes"]
    note: Text = ""
    version: Annotated[int, Field(ge=1)] | None = None  # None: the latest


class QuestionAnswer(_Body):
    text: Words
    question_id: Reference | None = None  # None: the one that is open


class Blockers(_Body):
    tasks: Annotated[list[Reference], Field(min_length=1, max_length=200)]


class NewComment(_Body):
    text: Words


class AgentRegistration(_Body):
    name: Name
    capabilities: Names | None = None
    call_sign: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}$")] | None = None


class NewKey(_Body):
    kind: Literal["admin", "agent"] = "agent"
    agent: Name | None = None
    name: Annotated[str, Field(max_length=80)] = ""


class Next(_Body):
    wait_seconds: Annotated[float, Field(ge=0, le=30)] = 20.0
    capabilities: Names = []  # none said: those the agent is registered with
    name: Name | None = None
    concurrency: Annotated[int, Field(ge=1, le=64)] = 1


class Beat(_Body):
    progress: Annotated[str, Field(max_length=500)] | None = None


class Submission(_Body):
    kind: Literal["markdown", "text", "code", "link", "file"] | None = None
    format: Literal["markdown", "text"] | None = None  # the older word for `kind`
    content: Annotated[str, Field(max_length=MAX_CONTENT)] | None = None
    url: Annotated[str, Field(max_length=MAX_URL)] | None = None
    upload_id: Reference | None = None
    language: Annotated[str, Field(pattern=r"^[A-Za-z0-9_+#.-]{0,40}$")] = ""
    name: Annotated[str, Field(pattern=rf"^$|{FILE_NAME}")] = ""
    title: Annotated[str, Field(max_length=MAX_TITLE)] = ""


class NewUpload(_Body):
    name: Annotated[str, Field(pattern=FILE_NAME)]
    media_type: Annotated[str, Field(pattern=MEDIA_TYPE, max_length=127)] = "application/octet-stream"
    size_bytes: Annotated[int, Field(ge=0, le=2**53, strict=True)]  # JSON's numbers are exact up to there
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None


class Release(_Body):
    reason: Text = ""


class Failure(_Body):
    reason: Annotated[str, Field(max_length=80)] = "failed"
    message: Text = ""


class Question(_Body):
    text: Words
    question_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,60}$")] | None = None
