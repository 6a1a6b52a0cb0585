"""One command to one task, and the answer to whoever clicked."""

from fastapi import Request
from fastapi.responses import Response

from controlplane.access.people import Person
from controlplane.domain.commands import Command
from web.pages.posted import Posted
from web.pages.replies import done
from web.station import Station


async def send(
    request: Request, station: Station, person: Person, ref: str, posted: Posted, command: Command
) -> Response:
    """Sends it under the form's command id."""
    task = await station.commands.execute(person.actor, posted.command_id, ref, command, person.workspace_id)
    return await done(request, station, person, task.task_id, f"T-{task.number}")
