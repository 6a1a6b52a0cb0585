"""`INSERT … ON CONFLICT`, which SQLite and PostgreSQL share and SQLAlchemy keeps in their dialects."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

Insert = sqlite.Insert | postgresql.Insert


def insert_into(session: AsyncSession, table: type[SQLModel]) -> Insert:
    """An INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`, in the session's dialect."""
    dialect = session.get_bind().dialect.name
    if dialect == "postgresql":
        return postgresql.insert(table_of(table))
    return sqlite.insert(table_of(table))


def table_of(table: type[SQLModel]) -> Table:
    """SQLAlchemy's table of a model."""
    found: Any = table.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with table=True
    return found  # type: ignore[no-any-return]  # see above
