"""Bodies about agents, teams, keys, and the workspace as a whole."""

from typing import Annotated, Literal

from pydantic import Field

from controlplane.api.bodies.fields import NO_NUL, Body, Name, Names, Text, Words, example

Concurrency = Annotated[int, Field(ge=0, le=1000, strict=True)]
Handle = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9_.-]{0,38}[a-z0-9])?$")]


class AgentRegistration(Body):
    """What is not said stays as it is; a template gives a new agent what is not said here."""

    model_config = example(name="drafty", template="writer", capabilities=["writing"], max_concurrency=2)
    name: Name
    template: Name | None = None
    capabilities: Names | None = None
    max_concurrency: Concurrency | None = None
    call_sign: Annotated[str, Field(pattern=r"^[A-Z0-9]{2,3}$")] | None = None


class AgentEdit(Body):
    """`max_concurrency` of 0: as many as it asks for."""

    model_config = example(capabilities=["writing", "editing"], max_concurrency=3)
    capabilities: Names | None = None
    max_concurrency: Concurrency | None = None


class NewTemplate(Body):
    """A role: what agents made from it can do."""

    model_config = example(name="writer", description="Writes for people.", capabilities=["writing"], max_concurrency=2)
    name: Name
    description: Annotated[str, Field(max_length=500, pattern=NO_NUL)] = ""
    capabilities: Names = ()
    max_concurrency: Concurrency = 0


class NewTeam(Body):
    """People and agents, by handle, name or id, who are called together as `@handle`."""

    model_config = example(handle="qa", name="Quality", members=["anna", "critic"])
    handle: Handle
    name: Annotated[str, Field(max_length=80, pattern=NO_NUL)] = ""
    members: Annotated[tuple[Name, ...], Field(max_length=200)] = ()


class Members(Body):
    model_config = example(members=["anna", "critic"])
    members: Annotated[tuple[Name, ...], Field(max_length=200)]


class TextToPreview(Body):
    model_config = example(text="@anna and @qa, please look.")
    text: Words


class WorkspaceStop(Body):
    model_config = example(reason="Something is wrong with the provider.")
    reason: Text = ""


class NewKey(Body):
    """An agent's key names its agent, which is made if it is new; an admin's names none."""

    model_config = example(kind="agent", agent="drafty", name="laptop")
    kind: Literal["admin", "agent"] = "agent"
    agent: Name | None = None
    name: Annotated[str, Field(max_length=80, pattern=NO_NUL)] = ""
