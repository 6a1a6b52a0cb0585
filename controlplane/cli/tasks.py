"""Verbs about tasks. What the rules allow is decided by the server; its refusal is shown as it stands."""

import sys
from typing import Annotated, Any

import typer

from controlplane.cli.connection import ask, in_path
from controlplane.cli.keys import split
from controlplane.cli.outcome import show, show_json, show_table

cli = typer.Typer(help="Tasks on the board.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Reference = Annotated[str, typer.Argument(help="The task, for example T-12.")]


@cli.command("create")
def create(
    title: Annotated[str | None, typer.Argument(help="What is wanted, in a line.")] = None,
    title_option: Annotated[str | None, typer.Option("--title", help="The same, as an option.")] = None,
    brief: Annotated[str, typer.Option(help="What the agent is told; `-` reads it from stdin.")] = "",
    needs: Annotated[str, typer.Option(help="Capabilities an agent must have, separated by commas.")] = "",
    agent: Annotated[str, typer.Option(help="Assign it to this agent.")] = "",
    blocked_by: Annotated[str, typer.Option(help="Tasks that must be done first: T-1,T-2.")] = "",
    priority: Annotated[int, typer.Option(min=1, max=5, help="1 is the most urgent.")] = 3,
    backlog: Annotated[bool, typer.Option(help="Keep it in the backlog instead of making it ready.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put a task on the board. Prints its number and its page."""
    wanted = title or title_option
    if not wanted:
        raise typer.BadParameter("say what is wanted: pointsman task create 'Draft the summary'")
    body: dict[str, Any] = {
        "title": wanted,
        "brief": sys.stdin.read() if brief == "-" else brief,
        "needs": split(needs),
        "priority": priority,
        "blockers": split(blocked_by),
        "backlog": backlog,
    }
    task = ask("POST", "/tasks", body=body | ({"agent": agent} if agent else {}))
    if as_json:
        show_json(task)
    else:
        show(f"{task['ref']}  {task['title']}\n{task['board_url']}")


@cli.command("list")
def list_tasks(
    status: Annotated[str, typer.Option(help="Only tasks in this status.")] = "",
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The tasks there are, newest first."""
    answer = ask("GET", "/tasks", query={"limit": str(limit)} | ({"status": status} if status else {}))
    found = answer["tasks"] if isinstance(answer, dict) else answer
    if as_json:
        return show_json(found)
    rows = [(task["ref"], describe_status(task), task.get("agent") or "", task["title"]) for task in found]
    return show_table(("TASK", "STATUS", "AGENT", "TITLE"), rows)


@cli.command("show")
def show_task(reference: Reference, as_json: AsJson = False) -> None:
    """One task."""
    task = ask("GET", f"/tasks/{in_path(reference)}")
    if as_json:
        return show_json(task)
    blockers = ", ".join(blocker["ref"] for blocker in task.get("blockers", ()))
    show(f"{task['ref']}  {task['title']}")
    for name, value in (
        ("status", describe_status(task)),
        ("agent", task.get("agent") or "nobody yet"),
        ("blocked by", blockers),
        ("cost", f"${task['usage']['cost_nano_usd'] / 1e9:.6f}" if task.get("usage") else ""),
        ("page", task["board_url"]),
    ):
        if value:
            show(f"  {name:<11}{value}")
    return show(f"\n{task['brief']}") if task.get("brief") else None


@cli.command("cancel")
def cancel(
    reference: Reference,
    reason: Annotated[str, typer.Option(help="Why, for the activity.")] = "",
    as_json: AsJson = False,
) -> None:
    """Cancel a task and end its run."""
    _tell(ask("POST", f"/tasks/{in_path(reference)}/cancel", body={"reason": reason}), as_json)


@cli.command("approve")
def approve(
    reference: Reference, note: Annotated[str, typer.Option(help="What to say with it.")] = "", as_json: AsJson = False
) -> None:
    """Approve the latest version of a task's deliverable."""
    _tell(ask("POST", f"/tasks/{in_path(reference)}/review", body={"verdict": "approve", "note": note}), as_json)


def describe_status(task: dict[str, Any]) -> str:
    """The status with what a person must know beside it."""
    return str(task["status"]).replace("_", " ") + (" (blocked)" if task.get("is_blocked") else "")


def _tell(task: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(task)
    else:
        show(f"{task['ref']} is {describe_status(task)}.")
