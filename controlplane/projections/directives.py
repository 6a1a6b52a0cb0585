"""What a live run is to be told at its next beat, from the events that concern it."""

from sqlalchemy import Connection

from controlplane.domain.events import RunNudged, UpstreamChanged
from controlplane.ports import Applied
from controlplane.store.tables import Directive
from controlplane.store.upsert import insert_into

UPSTREAM = "A task that this one builds on was reopened. Look at it before you go on."


def write_directives(connection: Connection, applied: Applied) -> None:
    """One row for each such event; its id is made from the event's place, so that a late projection adds none."""
    for position, event in enumerate(applied.events):
        match event:
            case RunNudged(run_id=run_id, note=note):
                kind, text = "nudge", note
            case UpstreamChanged(run_id=str(run_id)):
                kind, text = "upstream_changed", UPSTREAM
            case _:
                continue
        state = applied.state
        row = {
            "directive_id": f"{state.task_id}/{state.revision}/{position}",
            "workspace_id": state.workspace_id,
            "run_id": run_id,
            "task_id": state.task_id,
            "kind": kind,
            "text": text,
            "at_ms": event.at_ms,
        }
        connection.execute(insert_into(connection, Directive).values(**row).on_conflict_do_nothing())
