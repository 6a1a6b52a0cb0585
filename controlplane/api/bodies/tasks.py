"""Bodies of what people decide about tasks."""

from typing import Annotated, Any, Literal

from pydantic import Field

from controlplane.api.bodies.fields import (
    Body,
    Digest,
    Name,
    Names,
    Priority,
    Reference,
    References,
    Text,
    Title,
    Words,
    example,
)


class ReviewWish(Body):
    """Reviewers by `@handle` of a person or team, by an agent's name, or by id; `first_pass` is one agent."""

    model_config = example(reviewers=["@anna", "@qa"], needed="any", first_pass="critic")  # noqa: S106 - no password: who looks first
    reviewers: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    needed: Annotated[int, Field(ge=1, le=50, strict=True)] | Literal["any", "all"] = "any"
    first_pass: Name | None = None


class TaskWish(Body):
    """What everybody says of a task that is to be made."""

    title: Title
    brief: Text = ""
    needs: Names = ()
    priority: Priority = 3
    agent: Name | None = None
    blockers: Annotated[tuple[Reference, ...], Field(max_length=200)] = ()
    backlog: bool = False


class NewTask(TaskWish):
    model_config = example(
        title="Write the release notes",
        brief="For 2.4, for people who run it.",
        needs=["writing"],
        priority=2,
        blockers=["T-11"],
        parent="T-7",
        review={"reviewers": ["@anna"], "needed": 1},
    )
    project_id: Reference | None = None
    parent: Reference | None = None
    review: ReviewWish | None = None


class TaskEdit(Body):
    """What is not said stays as it is."""

    model_config = example(title="Write the release notes of 2.4", priority=1)
    title: Title | None = None
    brief: Text | None = None
    needs: Names | None = None
    priority: Priority | None = None


class Assignment(Body):
    """To an agent, or with null to whoever is able."""

    model_config = example(agent="drafty", reason="It knows the product.")
    agent: Name | None
    reason: Text = ""


class Move(Body):
    model_config = example(to="ready")
    to: Literal["backlog", "ready"]


class Because(Body):
    """Why, for the activity of the task."""

    model_config = example(reason="Not wanted any more.")
    reason: Text = ""


class Cancellation(Body):
    model_config = example(reason="Not wanted any more.", with_subtasks=True)
    reason: Text = ""
    with_subtasks: bool = False


class Hold(Body):
    """A hold of one kind. Several kinds coexist; `freeze` has verbs of its own."""

    model_config = example(kind="operator", reason="Wait for the new logo.")
    kind: Literal["operator", "budget", "schedule", "external"] = "operator"
    reason: Text = ""


class Restart(Body):
    model_config = example(from_checkpoint=True, reason="It went in circles.")
    from_checkpoint: bool = True
    reason: Text = ""


class Note(Body):
    model_config = example(note="The numbers are in the wiki.")
    note: Text = ""


class Verdict(Body):
    """On the latest version, unless one is named; `request_changes` and `ask` need a note."""

    model_config = example(verdict="request_changes", note="Shorter, please.", version=2)
    verdict: Literal["approve", "request_changes", "ask"]
    note: Text = ""
    version: Annotated[int, Field(ge=1, lt=2**31, strict=True)] | None = None


class LateWork(Body):
    """What came too late: by the run that made it, and its digest."""

    model_config = example(run_id="r_01JD3Z6Y7QW4E0M2T8K5R9X1AB", sha256="0" * 64)
    run_id: Reference
    sha256: Digest


class QuestionAnswer(Body):
    """Words in `text`; a choice, a form's object, or an approval's true or false in `value`."""

    model_config = example(value=True, question_id="q_1")
    text: Text = ""
    value: Any = None
    question_id: Reference | None = None


class Blockers(Body):
    model_config = example(tasks=["T-11", "T-14"])
    tasks: References


class NewComment(Body):
    """`@handle` calls a person, a team or an agent."""

    model_config = example(text="@anna, is this what you meant?")
    text: Words
