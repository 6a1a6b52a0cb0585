"""Verbs about tasks: make, list, read. What the rules allow is for the server to say; its no is shown as it stands."""

import sys
from typing import Annotated, Any

import typer

from controlplane.cli.connection import ask, in_path
from controlplane.cli.keys import split
from controlplane.cli.outcome import show, show_json, show_table

cli = typer.Typer(help="Tasks on the board.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


def _known_tasks(incomplete: str) -> list[tuple[str, str]]:
    """For the shell: open tasks with their titles. Silent when nobody answers."""
    try:
        found = ask("GET", "/tasks", query={"limit": "200"})["tasks"]
    except Exception:  # noqa: BLE001 - the shell waits: a completion that fails offers nothing
        return []
    return [(task["ref"], task["title"]) for task in found if task["ref"].lower().startswith(incomplete.lower())]


Reference = Annotated[str, typer.Argument(help="The task, for example T-12.", autocompletion=_known_tasks)]


@cli.command("create")
def create(
    title: Annotated[str | None, typer.Argument(help="What is wanted, in a line.")] = None,
    title_option: Annotated[str | None, typer.Option("--title", help="The same, as an option.")] = None,
    brief: Annotated[str, typer.Option(help="What the agent is told; `-` reads it from stdin.")] = "",
    needs: Annotated[str, typer.Option(help="Capabilities an agent must have, separated by commas.")] = "",
    agent: Annotated[str, typer.Option(help="Assign it to this agent.")] = "",
    blocked_by: Annotated[str, typer.Option(help="Tasks that must be done first: T-1,T-2.")] = "",
    parent: Annotated[str, typer.Option(help="The task that it is part of.")] = "",
    reviewers: Annotated[str, typer.Option(help="Who reviews it: @anna,@qa or an agent's name.")] = "",
    needed: Annotated[str, typer.Option(help="How many of them must approve: any, all, or a number.")] = "any",
    first_pass: Annotated[str, typer.Option(help="The agent that looks before people are called.")] = "",
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
    body |= {"agent": agent} if agent else {}
    body |= {"parent": parent} if parent else {}
    if reviewers or first_pass:
        body["review"] = review_of(reviewers, needed, first_pass)
    task = ask("POST", "/tasks", body=body)
    if as_json:
        show_json(task)
    else:
        show(f"{task['ref']}  {task['title']}\n{task['board_url']}")


def review_of(reviewers: str, needed: str, first_pass: str) -> dict[str, Any]:
    """The review rule's JSON."""
    rule: dict[str, Any] = {"reviewers": split(reviewers), "needed": int(needed) if needed.isdigit() else needed}
    return rule | ({"first_pass": first_pass} if first_pass else {})


@cli.command("list")
def list_tasks(
    status: Annotated[str, typer.Option(help="Only tasks in this status.")] = "",
    agent: Annotated[str, typer.Option(help="Only those of this agent.")] = "",
    parent: Annotated[str, typer.Option(help="Only parts of this task.")] = "",
    needs_human: Annotated[bool, typer.Option("--needs-human", help="Only those that wait for a person.")] = False,
    limit: Annotated[int, typer.Option(help="At most so many.")] = 50,
    as_json: AsJson = False,
) -> None:
    """The tasks there are, newest first."""
    query = {"limit": str(limit), "status": status, "agent": agent, "parent": parent}
    query |= {"needs_human": "true"} if needs_human else {}
    found = ask("GET", "/tasks", query={name: value for name, value in query.items() if value})["tasks"]
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
    show(f"{task['ref']}  {task['title']}")
    for name, value in facts_of(task):
        if value:
            show(f"  {name:<12}{value}")
    return show(f"\n{task['brief']}") if task.get("brief") else None


def facts_of(task: dict[str, Any]) -> list[tuple[str, str]]:
    """What stands below the title, in order; what is empty is left out."""
    subtasks, needs_human, question = task.get("subtasks"), task.get("needs_human"), task.get("question")
    return [
        ("status", describe_status(task)),
        ("agent", task.get("agent") or "nobody yet"),
        ("part of", (task.get("parent") or {}).get("ref", "")),
        ("parts", f"{subtasks['done']} of {subtasks['total']} done" if subtasks else ""),
        ("blocked by", ", ".join(blocker["ref"] for blocker in task.get("blockers", ()))),
        ("held", "; ".join(f"{hold['kind']}: {hold['reason']}" for hold in task.get("holds", ()))),
        ("needs you", needs_human["reason"] if isinstance(needs_human, dict) else ""),
        ("asks", question["text"] if question else ""),
        ("cost", f"${task['usage']['cost_nano_usd'] / 1e9:.6f}" if task.get("usage") else ""),
        ("page", task["board_url"]),
    ]


def describe_status(task: dict[str, Any]) -> str:
    """The status with what a person must know beside it."""
    return str(task["status"]).replace("_", " ") + (" (blocked)" if task.get("is_blocked") else "")


def tell(task: dict[str, Any], as_json: bool) -> None:
    if as_json:
        show_json(task)
    else:
        show(f"{task['ref']} is {describe_status(task)}.")
