"""Whether the databases are known to fit this code, so that children need not wait for the preparation.

The preparation leaves a stamp: the revisions it brought the databases to, and the migrations it knew. As long as both
databases still say these revisions and the code still brings these migrations, the next start may begin its children at
once. Anything else (another version, a database restored from a copy, a first start) waits for the preparation.
"""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import controlplane.store
from controlplane.settings import Home
from controlplane.supervisor.files import write_atomically


def stamp_schema(home: Home) -> None:
    """To be called when the migrations have run."""
    write_atomically(_stamp_file(home), json.dumps(_schema(home)))


def is_schema_current(home: Home) -> bool:
    """Whether the databases are as the stamp says and the stamp is of this code."""
    try:
        return bool(json.loads(_stamp_file(home).read_text(encoding="utf-8")) == _schema(home))
    except (OSError, ValueError, sqlite3.Error):
        return False


def _schema(home: Home) -> dict[str, Any]:
    folder = Path(controlplane.store.__file__).parent / "migrations"
    return {
        "migrations": sorted(str(path.relative_to(folder)) for path in folder.rglob("*.py")),
        "control": _revision(home.control_database),
        "calls": _revision(home.calls_database),
    }


def _revision(database: Path) -> str:
    """What Alembic noted in the database. Raises sqlite3.Error when there is no such note."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=1)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(revision)


def _stamp_file(home: Home) -> Path:
    return home.root / "schema.json"
