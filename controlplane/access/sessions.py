"""How a person comes in and goes out: password or one-time link, then an opaque token in a cookie.

Tokens have 256 random bits and are stored as digests. Cookie name and lifetime are here so that pages and live
endpoints read the same one.
"""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error
from pointsman.contract import digest
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controlplane.access.people import Person, find_person
from controlplane.store.database import Database
from controlplane.store.tables import Session, SignInLink, SignInTry, User
from controlplane.store.upsert import table_of

COOKIE = "pointsman_session"
SECURE_COOKIE = "__Host-pointsman_session"  # on https
MINUTE_MS = 60_000
SESSION_MS = 30 * 24 * 60 * MINUTE_MS
LINK_MS = 15 * MINUTE_MS
FIRST_LINK_MS = 24 * 60 * MINUTE_MS
TRIES = 10  # wrong passwords for one address within the window, before it has to wait
TRIES_WINDOW_MS = 15 * MINUTE_MS


class TooManyTries(Exception):  # noqa: N818 - a state of the world: answered with 429 and a sentence
    """This address has had too many wrong passwords; it opens again a quarter of an hour after the first of them."""


async def create_sign_in_link(session: AsyncSession, user_id: str, now_ms: int, lifetime_ms: int = LINK_MS) -> str:
    """The token of a link that lets this person in once."""
    token = secrets.token_urlsafe(32)
    session.add(SignInLink(token_digest=digest(token), user_id=user_id, expires_at_ms=now_ms + lifetime_ms))
    await session.flush()
    return token


async def use_sign_in_link(session: AsyncSession, token: str, now_ms: int) -> str | None:
    """A session's token, once for each link and before it expires; else None."""
    columns = table_of(SignInLink).c
    used = await session.execute(
        update(table_of(SignInLink))
        .where(columns.token_digest == digest(token), columns.used_at_ms.is_(None), columns.expires_at_ms > now_ms)
        .values(used_at_ms=now_ms)
        .returning(columns.user_id)
    )
    user_id = used.scalar()
    return await start_session(session, user_id, now_ms) if user_id else None


async def sign_in(database: Database, email: str, password: str, now_ms: int) -> str | None:
    """A session's token for the right password, else None, after the same time. Raises TooManyTries."""
    address = email.strip().lower()
    async with database.reading() as session:
        await _check_tries(session, address, now_ms)
        columns = table_of(User).c
        found = await session.execute(select(columns.user_id, columns.password_hash).where(columns.email == address))
        row = found.first()
    user_id, password_hash = row or (None, None)
    is_right = await asyncio.to_thread(_verify, password_hash, password)
    async with database.transaction() as session:
        if not is_right or user_id is None:
            await _note_try(session, address, now_ms)
            return None
        await session.execute(delete(table_of(SignInTry)).where(table_of(SignInTry).c.email == address))
        return await start_session(session, user_id, now_ms)


async def _check_tries(session: AsyncSession, email: str, now_ms: int) -> None:
    columns = table_of(SignInTry).c
    tries = await session.execute(
        select(func.count()).where(columns.email == email, columns.at_ms > now_ms - TRIES_WINDOW_MS)
    )
    if tries.scalar_one() >= TRIES:
        raise TooManyTries(email)


async def _note_try(session: AsyncSession, email: str, now_ms: int) -> None:
    tries = table_of(SignInTry)
    await session.execute(delete(tries).where(tries.c.at_ms <= now_ms - TRIES_WINDOW_MS))  # they count no more
    session.add(SignInTry(email=email, at_ms=now_ms))


def _verify(password_hash: str | None, password: str) -> bool:
    hasher = PasswordHasher()
    try:
        return hasher.verify(password_hash, password) if password_hash else not hasher.hash(password)
    except Argon2Error:
        return False


SHORTEST_PASSWORD = 12  # NIST SP 800-63B-4 asks for 15 where nothing else protects; wrong ones are throttled here


async def set_password(session: AsyncSession, user_id: str, password: str) -> None:
    """The new password; sessions that are open stay open. Raises ValueError for one that is too short."""
    if len(password) < SHORTEST_PASSWORD:
        raise ValueError(f"A password has at least {SHORTEST_PASSWORD} characters; a sentence is a good one.")
    password_hash = await asyncio.to_thread(PasswordHasher().hash, password)
    await session.execute(
        update(table_of(User)).where(table_of(User).c.user_id == user_id).values(password_hash=password_hash)
    )


async def start_session(session: AsyncSession, user_id: str, now_ms: int) -> str:
    """The token for the cookie."""
    await session.execute(delete(table_of(Session)).where(table_of(Session).c.expires_at_ms <= now_ms))
    token = secrets.token_urlsafe(32)
    session.add(
        Session(
            token_digest=digest(token),
            user_id=user_id,
            created_at_ms=now_ms,
            expires_at_ms=now_ms + SESSION_MS,
            seen_at_ms=now_ms,
        )
    )
    await session.flush()
    return token


async def find_signed_in(session: AsyncSession, token: str, now_ms: int) -> Person | None:
    """Who holds this cookie."""
    columns = table_of(Session).c
    found = await session.execute(
        select(columns.user_id).where(columns.token_digest == digest(token), columns.expires_at_ms > now_ms)
    )
    return await find_person(session, found.scalar() or "")


async def sign_out(session: AsyncSession, token: str) -> None:
    """The cookie's token stops working."""
    await session.execute(delete(table_of(Session)).where(table_of(Session).c.token_digest == digest(token)))
