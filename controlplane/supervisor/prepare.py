"""What must be there before the first child: secrets, migrated databases, the first person. Short-lived.

    python -m controlplane.supervisor.prepare            all of it; answers JSON with a fresh sign-in link on stdout
    python -m controlplane.supervisor.prepare migrate    the same without a link (containers run it once)
    python -m controlplane.supervisor.prepare link       all of it; answers only the link, as an address for people

Every step is idempotent and finds what an interrupted one left: secrets are files that are there whole or not at all,
migrations are transactions, the admin key is in its file before the database hears of it. Killed: run it again.
"""

import asyncio
import json
import os
import secrets
import sys
import time
from contextlib import closing
from dataclasses import asdict

from pointsman.contract import KeyKind, digest, new_key

from controlplane.gateway.destinations import Destinations
from controlplane.plain_sqlite import DatabaseNotUsable, open_sqlite, sqlite_path, writing
from controlplane.settings import Home, Settings, read_settings
from controlplane.supervisor import lifeline
from controlplane.supervisor.files import write_atomically
from controlplane.supervisor.preparation import Prepared
from controlplane.supervisor.run_file import read_run_file
from controlplane.supervisor.schema_stamp import is_schema_current
from proxy.config import ConfigError

HOUR_MS = 3_600_000
LINK_MS = HOUR_MS // 4
FIRST_LINK_MS = 24 * HOUR_MS
SECRET_MODE = 0o600
SIGN_IN_PATH = "/sign-in/"

# As `access.sessions.create_sign_in_link` writes it, for the first admin as `access.people` finds him; a test compares.
_ADD_LINK = """
INSERT INTO sign_in_links (token_digest, user_id, expires_at_ms)
SELECT :token_digest, user_id, :expires_at_ms FROM users WHERE role = 'admin' ORDER BY created_at_ms, user_id LIMIT 1
"""


def main() -> int:
    """Runs one of the three forms."""
    lifeline.attach()
    settings = read_settings()
    form = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        if form == "migrate":
            make_ready(settings)
        elif form == "link":
            sys.stdout.write(make_link(settings) + "\n")
        else:
            sys.stdout.write(json.dumps(asdict(prepare(settings))))
    except (ConfigError, DatabaseNotUsable, OSError, TimeoutError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def prepare(settings: Settings) -> Prepared:
    """All of it, and what the supervisor wants to know."""
    is_first = not settings.home.control_database.exists()
    destinations = Destinations(settings, os.environ)
    make_ready(settings)
    lifetime_ms = FIRST_LINK_MS if is_first else LINK_MS
    token = make_token(settings, lifetime_ms)
    needs_simulated = any(provider.is_simulated for provider in destinations.providers)
    return Prepared(SIGN_IN_PATH + token, lifetime_ms / HOUR_MS, needs_simulated, is_first)


def make_ready(settings: Settings) -> None:
    """Secrets, migrations, the first person and the admin key; in milliseconds where all of it is there."""
    settings.home.root.mkdir(parents=True, exist_ok=True, mode=0o700)
    has_new_secrets = ensure_secrets(settings.home)
    if has_new_secrets or not is_schema_current(settings.home):
        from controlplane.supervisor import first_start  # noqa: PLC0415 - its imports cost an ordinary start a second

        asyncio.run(first_start.make_ready(settings))


def make_link(settings: Settings) -> str:
    """An address that signs the first administrator in, once, within a quarter of an hour."""
    make_ready(settings)
    running = read_run_file(settings.home.run_file).get("web", {})  # may have been started with another port offset
    address = settings.web_address or running.get("url") or settings.web_url
    return f"{address}{SIGN_IN_PATH}{make_token(settings, LINK_MS)}"


def ensure_secrets(home: Home) -> bool:
    """The master key, from which run keys are derived, and the admin key; True when one had to be made."""
    missing = [path for path in (home.master_key_file, home.admin_key_file) if not path.exists()]
    for path in missing:
        secret = secrets.token_hex(32) if path == home.master_key_file else new_key(KeyKind.ADMIN)
        write_atomically(path, secret + "\n", SECRET_MODE)
    return bool(missing)


def make_token(settings: Settings, lifetime_ms: int) -> str:
    """The token of a link that lets the first administrator in, once."""
    token = secrets.token_urlsafe(32)
    expires_at_ms = time.time_ns() // 1_000_000 + lifetime_ms
    path = sqlite_path(settings.control_database_url)
    with closing(open_sqlite(path)) as connection, writing(connection):
        connection.execute(_ADD_LINK, {"token_digest": digest(token), "expires_at_ms": expires_at_ms})
    return token


if __name__ == "__main__":
    sys.exit(main())
