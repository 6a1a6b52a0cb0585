"""Runs `python -m controlplane.supervisor.prepare` and understands its answer.

Preparing needs the whole store (SQLAlchemy, Alembic, the key and link code), 100 MB that the supervisor must not carry
for the rest of its life: so it happens in a short process of its own. The sign-in link comes back over a pipe, never
through a file.
"""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from controlplane.supervisor import lifeline
from controlplane.supervisor.errors import StartFailed

LONGEST_SECONDS = 120.0  # a migration of a large home; an ordinary start takes one second


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the supervisor must know of the preparation."""

    sign_in_path: str  # a secret: goes to the console only
    link_hours: float
    needs_simulated: bool
    is_first: bool


async def prepare(environment: Mapping[str, str], lifeline_descriptor: int) -> Prepared:
    """Secrets, migrations, the first person and a sign-in link. Idempotent; raises StartFailed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "controlplane.supervisor.prepare"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**environment, lifeline.VARIABLE: str(lifeline_descriptor)},
        pass_fds=(lifeline_descriptor,),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(LONGEST_SECONDS):
            answer, complaint = await process.communicate()
    except TimeoutError:
        raise StartFailed(f"Preparing the home took more than {LONGEST_SECONDS:.0f} s and was given up.") from None
    finally:
        if process.returncode is None:
            process.kill()
    if process.returncode:
        last_words = complaint.decode(errors="replace").strip() or f"it ended with {process.returncode}"
        raise StartFailed(f"Preparing the home failed:{os.linesep}{last_words}")
    return Prepared(**json.loads(answer))
