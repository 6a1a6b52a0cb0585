"""The heavy part of preparing: migrations, the first person, the admin key. Imported only when it is needed.

SQLAlchemy and Alembic take a second of CPU to import, which an ordinary start does not have to spend.
"""

import time

from controlplane.access.keys import adopt_key
from controlplane.access.people import create_admin_if_none
from controlplane.settings import Settings
from controlplane.store.database import open_control
from controlplane.store.migrate import migrate
from controlplane.supervisor.schema_stamp import stamp_schema


async def make_ready(settings: Settings) -> None:
    """Databases of this version, somebody who may come in, and the admin key of the home known to them. Idempotent."""
    await migrate(settings)
    database = open_control(settings)
    now_ms = time.time_ns() // 1_000_000
    try:
        async with database.transaction() as session:
            admin = await create_admin_if_none(session, now_ms)
            key = settings.home.admin_key_file.read_text(encoding="utf-8").strip()
            await adopt_key(session, key, admin.workspace_id, "admin-key", now_ms)
    finally:
        await database.close()
    if not settings.control_url and not settings.calls_url:
        stamp_schema(settings.home)
