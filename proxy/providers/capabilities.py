"""Which parameters of a request a provider cannot do, as a table: for machines, for the docs, and for each call."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from proxy.canonical.request import Loss
from proxy.errors import Dialect
from proxy.providers.known import Body, Known, Unsupported
from proxy.providers.registry import all_known, find_known

MOST_REMEMBERED = 2048  # names of models come from clients


@lru_cache(maxsize=MOST_REMEMBERED)
def unsupported_by(name: str, dialect: Dialect, model: str) -> tuple[Unsupported, ...]:
    """The rows of a known provider's table that concern this model in this dialect."""
    known = find_known(name)
    rows = known.unsupported if known is not None else ()
    return tuple(row for row in rows if row.dialect == dialect and takes(row.models, model))


def without_unsupported(rows: Iterable[Unsupported], body: Body) -> tuple[Body, list[Loss]]:
    """The body without what the provider cannot do, and what that was."""
    found = {row.parameter: row for row in rows if _is_said(body, row)}
    if not found:
        return body, []
    losses = [Loss(name, f"the provider does not take it: {row.source.link}") for name, row in found.items()]
    return {name: value for name, value in body.items() if name not in found}, losses


def table() -> list[dict[str, Any]]:
    """All of it as plain values: provider, parameter, models, what is allowed all the same, link and date."""
    return [_row(known, row) for known in all_known() for row in known.unsupported]


def takes(patterns: Iterable[str], model: str) -> bool:
    """Do these names, or prefixes that end in '*', name the model?"""
    return any(model == one or (one.endswith("*") and model.startswith(one[:-1])) for one in patterns)


def _is_said(body: Body, row: Unsupported) -> bool:
    value = body.get(row.parameter)
    return value is not None and value not in row.allowed


def _row(known: Known, row: Unsupported) -> dict[str, Any]:
    return {
        "provider": known.name,
        "dialect": row.dialect,
        "parameter": row.parameter,
        "models": list(row.models),
        "allowed": list(row.allowed),
        "link": row.source.link,
        "date": row.source.date,
    }
