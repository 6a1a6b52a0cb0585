"""Verbs about people: a password for the administrator, who otherwise comes in by link."""

import asyncio
import sys
import time
from typing import Annotated

import typer

from controlplane.cli.outcome import NOT_RUNNING, REFUSED, fail, show
from controlplane.settings import Settings, read_settings


def password(
    from_stdin: Annotated[bool, typer.Option("--stdin", help="Read it from standard input instead of asking.")] = False,
) -> None:
    """Set the administrator's password, for the sign-in page."""
    settings = read_settings()
    if not settings.home.control_database.exists() and not settings.control_url:
        fail(f"There is no Pointsman at {settings.home.root} yet. Start it once: pointsman up.", NOT_RUNNING)
    typed = sys.stdin.readline().rstrip("\n") if from_stdin else _ask()
    try:
        email = asyncio.run(_set(settings, typed))
    except ValueError as error:
        fail(str(error), REFUSED)
    show(f"Done. Sign in as {email}.")


def _ask() -> str:
    return str(typer.prompt("New password", hide_input=True, confirmation_prompt=True))


async def _set(settings: Settings, typed: str) -> str:
    from controlplane.access.people import create_admin_if_none  # noqa: PLC0415 - SQLAlchemy takes half a second
    from controlplane.access.sessions import set_password  # noqa: PLC0415 - as above
    from controlplane.store.database import open_control  # noqa: PLC0415 - as above

    control = open_control(settings)
    try:
        async with control.transaction() as session:
            admin = await create_admin_if_none(session, int(time.time() * 1000))
            await set_password(session, admin.user_id, typed)
    finally:
        await control.close()
    return admin.email
