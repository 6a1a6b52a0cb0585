"""What must be there before the first child: secrets, migrated databases, the first person. Short-lived.

    python -m controlplane.supervisor.prepare            all of it; answers JSON with a fresh sign-in link on stdout
    python -m controlplane.supervisor.prepare migrate    the same without a link (containers run it once)
    python -m controlplane.supervisor.prepare link       only a link, as an address for people

Every step is idempotent and finds what an interrupted one left: secrets are files that are there whole or not at all,
migrations are transactions, the admin key is in its file before the database hears of it. Killed: run it again.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from dataclasses import asdict

from pointsman.contract import KeyKind, new_key

from controlplane.access.keys import adopt_key
from controlplane.access.people import create_admin_if_none
from controlplane.access.sessions import FIRST_LINK_MS, LINK_MS, create_sign_in_link
from controlplane.gateway.destinations import Destinations
from controlplane.settings import Home, Settings, read_settings
from controlplane.store.database import open_control
from controlplane.store.migrate import migrate
from controlplane.supervisor import lifeline
from controlplane.supervisor.files import write_atomically
from controlplane.supervisor.preparation import Prepared
from controlplane.supervisor.run_file import read_run_file
from controlplane.supervisor.schema_stamp import stamp_schema
from proxy.config import ConfigError

HOUR_MS = 3_600_000
SECRET_MODE = 0o600
SIGN_IN_PATH = "/sign-in/"


def main() -> int:
    """Runs one of the three forms."""
    lifeline.attach()
    settings = read_settings()
    form = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        if form == "link":
            sys.stdout.write(asyncio.run(make_link(settings)) + "\n")
        elif form == "migrate":
            asyncio.run(make_ready(settings))
        else:
            sys.stdout.write(json.dumps(asdict(asyncio.run(prepare(settings)))))
    except (ConfigError, OSError, TimeoutError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def prepare(settings: Settings) -> Prepared:
    """All of it, and what the supervisor wants to know."""
    is_first = not settings.home.control_database.exists()
    destinations = Destinations(settings, os.environ)
    user_id = await make_ready(settings)
    lifetime_ms = FIRST_LINK_MS if is_first else LINK_MS
    token = await _make_token(settings, user_id, lifetime_ms)
    needs_simulated = any(provider.is_simulated for provider in destinations.providers)
    return Prepared(SIGN_IN_PATH + token, lifetime_ms / HOUR_MS, needs_simulated, is_first)


async def make_ready(settings: Settings) -> str:
    """Secrets, migrations, the first person (whose id it returns) and the admin key."""
    settings.home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    ensure_secrets(settings.home)
    await migrate(settings)
    if not settings.control_url and not settings.calls_url:
        stamp_schema(settings.home)
    database = open_control(settings)
    try:
        async with database.transaction() as session:
            admin = await create_admin_if_none(session, _now_ms())
            key = settings.home.admin_key_file.read_text(encoding="utf-8").strip()
            await adopt_key(session, key, admin.workspace_id, "admin-key", _now_ms())
            return admin.user_id
    finally:
        await database.close()


async def make_link(settings: Settings) -> str:
    """An address that signs the first administrator in, once, within a quarter of an hour."""
    token = await _make_token(settings, await make_ready(settings), LINK_MS)
    running = read_run_file(settings.home.run_file).get("web", {})  # may have been started with another port offset
    return str(settings.web_address or running.get("url") or settings.web_url) + SIGN_IN_PATH + token


def ensure_secrets(home: Home) -> None:
    """The master key, from which run keys are derived, and the admin key. Never replaced once they are there."""
    if not home.master_key_file.exists():
        write_atomically(home.master_key_file, secrets.token_hex(32) + "\n", SECRET_MODE)
    if not home.admin_key_file.exists():
        write_atomically(home.admin_key_file, new_key(KeyKind.ADMIN) + "\n", SECRET_MODE)


async def _make_token(settings: Settings, user_id: str, lifetime_ms: int) -> str:
    database = open_control(settings)
    try:
        async with database.transaction() as session:
            return await create_sign_in_link(session, user_id, _now_ms(), lifetime_ms)
    finally:
        await database.close()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main())
