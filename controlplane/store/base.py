"""What the tables of the control database share: their metadata, and columns that every database spells its own way."""

from typing import Any

from sqlalchemy import JSON as SQL_JSON
from sqlalchemy import BigInteger, MetaData
from sqlmodel import Field, SQLModel

CONTROL_METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class ControlTable(SQLModel):
    """Base of the control database's tables."""

    metadata = CONTROL_METADATA


def big(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


def json_column(**options: Any) -> Any:
    return Field(sa_type=SQL_JSON, **options)
