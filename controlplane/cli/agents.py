"""Verbs about agents, and about everybody at once."""

from typing import Annotated, Any

import typer

from controlplane.cli.connection import ask, in_path
from controlplane.cli.keys import split
from controlplane.cli.outcome import show, show_json, show_table

cli = typer.Typer(help="Agents.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]
Name = Annotated[str, typer.Argument(help="The agent's name.")]
Reason = Annotated[str, typer.Option(help="Why.")]


@cli.command("list")
def list_agents(as_json: AsJson = False) -> None:
    """The agents there are."""
    found = ask("GET", "/agents")["agents"]
    if as_json:
        return show_json(found)
    rows = [(one["name"], describe_standing(one), ", ".join(one["capabilities"])) for one in found]
    return show_table(("AGENT", "STATUS", "ABLE TO"), rows)


def describe_standing(agent: dict[str, Any]) -> str:
    """What keeps it from work, in a word; nothing when nothing does."""
    if agent.get("retired_at"):
        return "retired"
    return "frozen" if agent.get("is_frozen") else "paused" if agent.get("is_paused") else ""


@cli.command("create")
def create(
    name: Name,
    template: Annotated[str, typer.Option(help="A role preset; `agent templates` lists them.")] = "",
    capabilities: Annotated[str | None, typer.Option(help="Separated by commas.")] = None,
    max_concurrency: Annotated[int | None, typer.Option(help="Tasks at once; 0: as many as it asks for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Register an agent. Its key is made by `keys create`."""
    given: dict[str, Any] = {
        "template": template or None,
        "capabilities": None if capabilities is None else split(capabilities),
        "max_concurrency": max_concurrency,
    }
    body = {"name": name} | {field: value for field, value in given.items() if value is not None}
    made = ask("POST", "/agents", body=body)
    show_json(made) if as_json else show(f"{made['name']} is registered.")


@cli.command("templates")
def templates(as_json: AsJson = False) -> None:
    """The role presets there are."""
    found = ask("GET", "/agent-templates")["templates"]
    if as_json:
        return show_json(found)
    rows = [(one["name"], ", ".join(one["capabilities"]), one.get("description", "")) for one in found]
    return show_table(("TEMPLATE", "ABLE TO", "FOR"), rows)


@cli.command("edit")
def edit(
    name: Name,
    capabilities: Annotated[str | None, typer.Option(help="Separated by commas.")] = None,
    max_concurrency: Annotated[int | None, typer.Option(help="Tasks at once; 0: as many as it asks for.")] = None,
    as_json: AsJson = False,
) -> None:
    """Change what it is able to do, and how much at once. What is not given stays."""
    able = None if capabilities is None else split(capabilities)
    given = {"capabilities": able, "max_concurrency": max_concurrency}
    _do(name, "edit", {field: value for field, value in given.items() if value is not None}, as_json)


@cli.command("pause")
def pause(name: Name, reason: Reason = "", as_json: AsJson = False) -> None:
    """It takes no new work; what it holds stays its own."""
    _do(name, "pause", {"reason": reason}, as_json)


@cli.command("resume")
def resume(name: Name, as_json: AsJson = False) -> None:
    """It may work again."""
    _do(name, "resume", {}, as_json)


@cli.command("freeze")
def freeze(name: Name, reason: Reason = "", as_json: AsJson = False) -> None:
    """Stop it at once: its keys, its live streams, its runs."""
    _do(name, "freeze", {"reason": reason}, as_json)


@cli.command("thaw")
def thaw(name: Name, reason: Reason = "", as_json: AsJson = False) -> None:
    """Let it go on."""
    _do(name, "thaw", {"reason": reason}, as_json)


@cli.command("retire")
def retire(name: Name, as_json: AsJson = False) -> None:
    """No new work ever; what it holds it may finish."""
    _do(name, "retire", {}, as_json)


def _do(name: str, verb: str, body: dict[str, Any], as_json: bool) -> None:
    changed = ask("POST", f"/agents/{in_path(name)}/{verb}", body=body)
    show_json(changed) if as_json else show(f"{name}: {verb} done.")


def freeze_all(reason: Annotated[str, typer.Option(help="Why.")] = "", as_json: AsJson = False) -> None:
    """Stop everything at once: all keys of runs and agents, live streams, waiting calls, workflows."""
    frozen = ask("POST", "/freeze", body={"reason": reason})
    show_json(frozen) if as_json else show("Everything stands still. `pointsman thaw` lets it go on.")


def thaw_all(reason: Annotated[str, typer.Option(help="Why.")] = "", as_json: AsJson = False) -> None:
    """Let everything go on that stood still for `pointsman freeze`."""
    thawed = ask("POST", "/thaw", body={"reason": reason})
    show_json(thawed) if as_json else show("It goes on.")


def stalled(as_json: AsJson = False) -> None:
    """Where chains stand still: the first stalled task of each, with who and what waits behind it."""
    found = ask("GET", "/stalled")
    leaves = found["stalled"] if isinstance(found, dict) else found
    if as_json:
        return show_json(leaves)
    rows = [
        (
            one["ref"],
            str(len(one["tasks_behind"])),
            ", ".join(one["agents_behind"]),
            f"${one['spent_behind_nano_usd'] / 1e9:.4f}",
            one["title"],
        )
        for one in leaves
    ]
    return show_table(("TASK", "BEHIND", "AGENTS", "SPENT", "TITLE"), rows)
