"""Removes bodies whose time is over, a little at a time, so that no write of a call waits for it."""

import sqlite3

SWEEP_EVERY_SECONDS = 3600.0
_ROWS = 500
_SWEEP = """
DELETE FROM call_bodies WHERE call_id IN (SELECT call_id FROM call_bodies WHERE kept_until_ns < ? LIMIT ?)
"""


def sweep_bodies(calls: sqlite3.Connection, now_ns: int) -> bool:
    """Removes some bodies; true when there may be more to remove."""
    return calls.execute(_SWEEP, (now_ns, _ROWS)).rowcount == _ROWS
