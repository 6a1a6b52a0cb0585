"""`INSERT … ON CONFLICT`, which SQLite and PostgreSQL share and SQLAlchemy keeps in their dialects."""

from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import SQLModel

Insert = sqlite.Insert | postgresql.Insert


def insert_into(database: AsyncSession | Connection, table: type[SQLModel]) -> Insert:
    """An INSERT that knows `on_conflict_do_update` and `on_conflict_do_nothing`, in the database's dialect."""
    dialect = database.dialect if isinstance(database, Connection) else database.get_bind().dialect
    return insert_for(dialect.name, table)


def insert_for(dialect: str, table: type[SQLModel]) -> Insert:
    """The same for a dialect by name: for a statement that is made once and used often."""
    return postgresql.insert(table_of(table)) if dialect == "postgresql" else sqlite.insert(table_of(table))


def table_of(table: type[SQLModel]) -> Table:
    """SQLAlchemy's table of a model."""
    found: Any = table.__table__  # type: ignore[attr-defined]  # SQLModel adds it to classes with table=True
    return found  # type: ignore[no-any-return]  # see above
