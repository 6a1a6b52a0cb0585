"""What every endpoint is handed: the rooms below."""

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends
from starlette.requests import HTTPConnection

from controlplane.api.beats import Beats
from controlplane.api.openings import Openings
from controlplane.blobs import DirectoryParts
from controlplane.commands import CommandService
from controlplane.commands.uploads import Uploads
from controlplane.feed.feed import Feed
from controlplane.ports import BlobStore, Clock, TaskEngine
from controlplane.settings import Settings
from controlplane.store.database import Database


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """Everything the API stands on. The feed must be running while requests are served."""

    settings: Settings
    control: Database
    calls: Database
    engine: TaskEngine
    feed: Feed
    blobs: BlobStore
    clock: Clock
    master_key: bytes = field(repr=False)
    commands: CommandService = field(init=False)
    beats: Beats = field(init=False)
    openings: Openings = field(init=False)
    uploads: Uploads = field(init=False)

    def __post_init__(self) -> None:
        commands = CommandService(self.control, self.engine, self.blobs, self.clock, self.master_key)
        object.__setattr__(self, "commands", commands)
        object.__setattr__(self, "beats", Beats(commands, self.settings.lease_ttl_seconds))
        object.__setattr__(self, "openings", Openings(self.control, self.feed))
        parts = DirectoryParts(self.settings.home.uploads)
        uploads = Uploads(self.control, self.blobs, parts, self.clock, self.settings.max_file_bytes)
        object.__setattr__(self, "uploads", uploads)


def deps_of(connection: HTTPConnection) -> ApiDeps:
    """What `create_api` was given."""
    deps: ApiDeps = connection.app.state.deps
    return deps


Deps = Annotated[ApiDeps, Depends(deps_of)]
