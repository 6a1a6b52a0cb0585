"""Bodies about tasks that come again."""

from typing import Annotated, Literal

from pydantic import Field

from controlplane.api.bodies.fields import Body, Name, Names, Priority, Reference, Text, Title, example
from controlplane.api.bodies.tasks import ReviewWish


class Template(Body):
    """What the tasks are like that it makes."""

    model_config = example(brief="What happened since Monday.", needs=["writing"], priority=2)
    brief: Text = ""
    needs: Names = ()
    priority: Priority = 3
    agent: Name | None = None
    project_id: Reference | None = None
    review: ReviewWish | None = None


class NewRecurring(Body):
    """`cron` has five fields; `overlap` says what happens while the last one is still open."""

    model_config = example(title="Weekly report", cron="0 9 * * 1", time_zone="Europe/Berlin", template={"priority": 2})
    title: Title
    cron: Annotated[str, Field(min_length=1, max_length=200)]
    time_zone: Annotated[str, Field(min_length=1, max_length=64)] = "UTC"
    template: Template = Template()
    overlap: Literal["skip", "allow"] = "skip"
