"""What Alembic runs: it is handed a connection and a metadata, and knows no URL of its own."""

from typing import Any, Literal

from alembic import context
from sqlmodel.sql.sqltypes import AutoString


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """A migration names SQL's types, not a library's: it must mean the same in ten years."""
    return "sa.String()" if kind == "type" and isinstance(item, AutoString) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    render_as_batch=True,  # SQLite alters a table by copying it
    transactional_ddl=True,  # our SQLite connections begin transactions themselves, so DDL is inside of them
    compare_type=True,
    render_item=render_item,
)
with context.begin_transaction():
    context.run_migrations()
