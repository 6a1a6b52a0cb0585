"""Who there is in a workspace: people, agents, teams, and the keys and links they come in with."""

from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from controlplane.store.base import ControlTable, big, json_column


class Workspace(ControlTable, table=True):
    __tablename__ = "workspaces"
    workspace_id: str = Field(primary_key=True)
    name: str
    created_at_ms: int = big()


class Project(ControlTable, table=True):
    __tablename__ = "projects"
    project_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    name: str
    created_at_ms: int = big()


class User(ControlTable, table=True):
    __tablename__ = "users"
    user_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    email: str = Field(unique=True)
    name: str
    handle: str = Field(unique=True)  # what follows the @ in a mention
    role: str = "admin"
    password_hash: str | None = None  # argon2id; None: signs in by link
    created_at_ms: int = big()


class Session(ControlTable, table=True):
    __tablename__ = "sessions"
    token_digest: str = Field(primary_key=True)
    user_id: str = Field(index=True)
    created_at_ms: int = big()
    expires_at_ms: int = big()
    seen_at_ms: int = big()


class SignInLink(ControlTable, table=True):
    __tablename__ = "sign_in_links"
    token_digest: str = Field(primary_key=True)
    user_id: str
    expires_at_ms: int = big()
    used_at_ms: int | None = big(default=None)


class SignInTry(ControlTable, table=True):
    """Failed passwords, for the throttle that all `web` replicas share."""

    __tablename__ = "sign_in_tries"
    try_id: int | None = Field(default=None, primary_key=True)
    email: str = Field(index=True)
    at_ms: int = big()


class Agent(ControlTable, table=True):
    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)
    agent_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    name: str  # lower case, what the SDK is given; shown with a capital
    call_sign: str  # the plate: two or three capitals
    kind: str = "external"  # external (SDK) | internal (our workers)
    capabilities: list[str] = json_column(default_factory=list)
    definition: dict[str, Any] | None = json_column(
        default=None
    )  # internal: {"model", "system", "tool_server", "max_steps"}
    template: str = ""  # the role preset it was made from
    max_concurrency: int = 0  # live runs at once, waiting ones not counted; 0: as many as it asks for
    is_paused: bool = False
    pause_reason: str = ""
    is_simulated: bool = False
    created_at_ms: int = big()
    seen_at_ms: int | None = big(default=None)  # last beat, poll or proxied byte
    claimed_at_ms: int | None = big(default=None)  # its last claim: who waited longest goes first
    retired_at_ms: int | None = big(default=None)  # takes no new work; its open runs may end


class AgentTemplate(ControlTable, table=True):
    """A role preset that a workspace made; the built-in ones stand in `access/templates.py`."""

    __tablename__ = "agent_templates"
    __table_args__ = (UniqueConstraint("workspace_id", "name"),)
    template_id: str = Field(primary_key=True)
    workspace_id: str
    name: str
    description: str = ""
    capabilities: list[str] = json_column(default_factory=list)
    max_concurrency: int = 0
    definition: dict[str, Any] | None = json_column(default=None)
    created_at_ms: int = big()


class Key(ControlTable, table=True):
    """Admin and agent keys. Run keys are derived; their digest stands on the run."""

    __tablename__ = "keys"
    key_id: str = Field(primary_key=True)
    workspace_id: str = Field(index=True)
    kind: str
    agent_id: str | None = Field(default=None, index=True)
    name: str
    key_digest: str = Field(unique=True)
    tail: str  # last four characters, to recognise it by
    created_at_ms: int = big()
    revoked_at_ms: int | None = big(default=None)


class Team(ControlTable, table=True):
    """People and agents that are mentioned and asked for reviews together, as `@handle`."""

    __tablename__ = "teams"
    __table_args__ = (UniqueConstraint("workspace_id", "handle"),)
    team_id: str = Field(primary_key=True)
    workspace_id: str
    handle: str
    name: str
    created_at_ms: int = big()


class TeamMember(ControlTable, table=True):
    __tablename__ = "team_members"
    team_id: str = Field(primary_key=True)
    member_id: str = Field(primary_key=True)  # a user's or an agent's id
    workspace_id: str
