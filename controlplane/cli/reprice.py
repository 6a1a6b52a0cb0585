"""What recorded calls cost by today's prices. What happens when it is killed: `controlplane/recorder/repricing.py`."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from controlplane.cli.connection import settings
from controlplane.cli.outcome import FAILED, WRONG_USAGE, fail, show, show_json, show_table

if TYPE_CHECKING:
    from controlplane.recorder.repricing import Chosen, Repriced


def reprice(
    since: Annotated[str, typer.Option(help="Calls begun from this day or time on, UTC: 2026-11-21.")] = "",
    until: Annotated[str, typer.Option(help="Calls begun before it.")] = "",
    provider: Annotated[str, typer.Option(help="Only calls of this provider.")] = "",
    model: Annotated[str, typer.Option(help="Only calls of this model.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Work out anew what recorded calls cost, by the price list of this version and `prices:` of the configuration."""
    from controlplane.recorder.repricing import END_OF_TIME_NS, Chosen  # noqa: PLC0415 - see `connection.ask`

    chosen = Chosen(_moment_ns(since, 0), _moment_ns(until, END_OF_TIME_NS), provider, model)
    found = _reprice(chosen, is_dry=dry_run)
    changes = sorted(found.changes.items())
    if as_json:
        rows = [
            {
                "provider": name,
                "model": model_name,
                "calls": change.calls,
                "before_nano_usd": change.before_nano_usd,
                "after_nano_usd": change.after_nano_usd,
            }
            for (name, model_name), change in changes
        ]
        return show_json({"calls": found.calls, "is_dry_run": dry_run, "changes": rows})
    if changes:
        lines = [
            (*names, str(change.calls), _dollars(change.before_nano_usd), _dollars(change.after_nano_usd))
            for names, change in changes
        ]
        show_table(("PROVIDER", "MODEL", "CALLS", "BEFORE", "AFTER"), lines)
    changed = sum(change.calls for _, change in changes)
    return show(f"{changed} of {found.calls} calls {'would change' if dry_run else 'changed'}.")


def _reprice(chosen: "Chosen", *, is_dry: bool) -> "Repriced":
    from controlplane.gateway.destinations import Destinations  # noqa: PLC0415 - see above
    from controlplane.plain_sqlite import DatabaseNotUsable, open_sqlite, sqlite_path  # noqa: PLC0415 - see above
    from controlplane.recorder.repricing import reprice as reprice_calls  # noqa: PLC0415 - see above
    from controlplane.recorder.rollups import derive_due  # noqa: PLC0415 - see above
    from proxy.clock import SystemClock  # noqa: PLC0415 - see above
    from proxy.config import ConfigError  # noqa: PLC0415 - see above
    from proxy.price_list import compile_listing  # noqa: PLC0415 - see above
    from proxy.pricing import PriceTable  # noqa: PLC0415 - see above

    found = settings()
    try:
        destinations = Destinations(found, os.environ)
        providers = {one.name: one for one in destinations.providers}
        table = PriceTable(compile_listing(), destinations.prices)
        with (
            closing(open_sqlite(sqlite_path(found.calls_database_url))) as calls,
            closing(open_sqlite(sqlite_path(found.control_database_url))) as control,
        ):
            repriced = reprice_calls(calls, table, providers, chosen, is_dry=is_dry)
            if not is_dry:
                derive_due(calls, control, SystemClock().now_ns() // 1_000_000)
        return repriced
    except (ConfigError, DatabaseNotUsable, RuntimeError, sqlite3.OperationalError) as error:
        return fail(str(error), FAILED)


def _dollars(nano_usd: int) -> str:
    return f"${nano_usd / 1e9:.6f}"


def _moment_ns(text: str, otherwise: int) -> int:
    if not text:
        return otherwise
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no day or time like 2026-11-21 or 2026-11-21T18:30:00Z.", WRONG_USAGE)
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * 10**9
