"""What pages work with: one value, made by `web/main.py`, found by every route."""

from dataclasses import dataclass

from controlplane.commands.service import CommandService
from controlplane.ports import BlobStore, Clock
from controlplane.settings import Settings
from controlplane.store.database import Database
from web.assets import Assets
from web.live.hub import Hub
from web.rendering import Renderer


@dataclass(frozen=True, slots=True)
class Station:
    """Databases to read, commands to give, static files, a renderer, and the hub of live channels."""

    settings: Settings
    control: Database
    calls: Database
    commands: CommandService
    blobs: BlobStore
    clock: Clock
    hub: Hub
    assets: Assets
    renderer: Renderer
