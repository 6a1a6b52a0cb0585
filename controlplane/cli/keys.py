"""Verbs about keys. A key is shown once, when it is made: only its digest is stored."""

from typing import Annotated

import typer

from controlplane.cli.connection import ask, in_path
from controlplane.cli.outcome import show, show_json, show_table

cli = typer.Typer(help="Keys of agents.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@cli.command("create")
def create(
    agent: Annotated[str, typer.Option(help="Whose key; the agent is registered when it is new.")],
    capabilities: Annotated[str, typer.Option(help="What the agent can do, separated by commas.")] = "",
    name: Annotated[str, typer.Option(help="What to recognise the key by.")] = "command line",
    as_json: AsJson = False,
) -> None:
    """Make a key for an agent and print nothing else: export POINTSMAN_KEY=$(pointsman keys create --agent writer)."""
    if capabilities:
        ask("POST", "/agents", body={"name": agent, "capabilities": split(capabilities)})
    answer = ask("POST", "/keys", body={"kind": "agent", "agent": agent, "name": name})
    if as_json:
        show_json(answer)
    else:
        show(answer["key"])


@cli.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """The keys there are, without their secrets."""
    answer = ask("GET", "/keys")
    keys = answer["keys"] if isinstance(answer, dict) else answer
    if as_json:
        return show_json(keys)
    rows = [
        (key["key_id"], key["kind"], key.get("agent") or "", key["name"], f"…{key['tail']}", state_of(key))
        for key in keys
    ]
    return show_table(("ID", "KIND", "AGENT", "NAME", "ENDS IN", "STATE"), rows)


@cli.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id, as `keys list` shows it.")]) -> None:
    """Make a key worthless at once."""
    ask("DELETE", f"/keys/{in_path(key_id)}")
    show(f"{key_id} is revoked.")


def split(text: str) -> list[str]:
    """Words separated by commas."""
    return [word.strip() for word in text.split(",") if word.strip()]


def state_of(key: dict[str, object]) -> str:
    """One word for the table."""
    return "revoked" if key.get("revoked_at") or key.get("revoked_at_ms") else "valid"
