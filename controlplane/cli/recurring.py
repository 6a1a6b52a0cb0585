"""Verbs about tasks that come again, about teams, and about what waits for people."""

from typing import Annotated, Any

import typer

from controlplane.cli.connection import ask, in_path
from controlplane.cli.keys import split
from controlplane.cli.outcome import show, show_json, show_table

cli = typer.Typer(help="Tasks that come again.", no_args_is_help=True)
team_cli = typer.Typer(help="People and agents that are named together.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Id = Annotated[str, typer.Argument(help="Its id, as `recurring list` shows it.")]


@cli.command("list")
def list_recurring(as_json: AsJson = False) -> None:
    """What recurs, and when."""
    found = ask("GET", "/recurring")["recurring"]
    if as_json:
        return show_json(found)
    rows = [
        (one["recurring_id"], one["cron"], one["time_zone"], "paused" if one["is_paused"] else "", one["title"])
        for one in found
    ]
    return show_table(("ID", "CRON", "ZONE", "STATE", "TITLE"), rows)


@cli.command("create")
def create(
    title: Annotated[str, typer.Argument(help="What is wanted, in a line.")],
    cron: Annotated[str, typer.Option(help="Five fields: '0 7 * * 1-5'.")],
    time_zone: Annotated[str, typer.Option(help="Such as Europe/Berlin.")] = "UTC",
    brief: Annotated[str, typer.Option(help="What the agent is told.")] = "",
    needs: Annotated[str, typer.Option(help="Capabilities, separated by commas.")] = "",
    agent: Annotated[str, typer.Option(help="Assign each to this agent.")] = "",
    as_json: AsJson = False,
) -> None:
    """Let a task come again."""
    template: dict[str, Any] = {"brief": brief, "needs": split(needs)} | ({"agent": agent} if agent else {})
    body = {"title": title, "cron": cron, "time_zone": time_zone, "template": template}
    made = ask("POST", "/recurring", body=body)
    show_json(made) if as_json else show(made["recurring_id"])


@cli.command("pause")
def pause(recurring_id: Id) -> None:
    """Make nothing until it is resumed."""
    _do(recurring_id, "pause")


@cli.command("resume")
def resume(recurring_id: Id) -> None:
    """Let it come again."""
    _do(recurring_id, "resume")


@cli.command("delete")
def delete(recurring_id: Id) -> None:
    """Never again; what it made stays."""
    _do(recurring_id, "delete")


@cli.command("run")
def run_now(recurring_id: Id) -> None:
    """Make its task now. Prints what became of it. JSON."""
    show_json(ask("POST", f"/recurring/{in_path(recurring_id)}/run", body={}))


@cli.command("occurrences")
def occurrences(recurring_id: Id, as_json: AsJson = False) -> None:
    """What became of its last times."""
    found = ask("GET", f"/recurring/{in_path(recurring_id)}/occurrences")["occurrences"]
    if as_json:
        return show_json(found)
    rows = [(one["due_at"], one["outcome"], (one["task"] or {}).get("ref", ""), one["reason"]) for one in found]
    return show_table(("DUE", "OUTCOME", "TASK", "REASON"), rows)


def _do(recurring_id: str, verb: str) -> None:
    ask("POST", f"/recurring/{in_path(recurring_id)}/{verb}", body={})
    show(f"{recurring_id}: {verb} done.")


@team_cli.command("list")
def list_teams(as_json: AsJson = False) -> None:
    """The teams there are."""
    found = ask("GET", "/teams")["teams"]
    if as_json:
        return show_json(found)
    return show_table(("TEAM", "NAME", "MEMBERS"), [(one["handle"], one["name"], _names(one)) for one in found])


@team_cli.command("set")
def set_team(
    handle: Annotated[str, typer.Argument(help="What follows the @.")],
    members: Annotated[str, typer.Argument(help="@anna,@ben or agents' names.")],
    name: Annotated[str, typer.Option(help="What it is called.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a team, or give it exactly these members."""
    made = ask("POST", "/teams", body={"handle": handle, "name": name or handle, "members": split(members)})
    show_json(made) if as_json else show(f"@{made['handle']}: {_names(made)}")


def _names(team: dict[str, Any]) -> str:
    return ", ".join(member["name"] for member in team["members"])


def inbox(user: Annotated[str, typer.Option(help="Whose: a handle.")] = "admin", as_json: AsJson = False) -> None:
    """What waits for a person."""
    found = ask("GET", "/inbox", query={"user": user})
    if as_json:
        return show_json(found["notices"])
    return show_table(("TASK", "KIND", "WHAT"), [(one["ref"], one["kind"], one["text"]) for one in found["notices"]])
