"""The verbs and how they hang together."""

import sys
from typing import Annotated

import typer

from controlplane.cli import agents, gateway, keys, people, product, recurring, reprice, task_verbs
from controlplane.cli.outcome import Unsuccessful, show
from controlplane.version import VERSION

cli = typer.Typer(
    name="pointsman",
    help="Agent control plane, with the LLM and MCP gateway built in.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not running, 4 refused.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli.command("up")(product.up)
cli.command("demo")(product.demo)
cli.command("down")(product.down)
cli.command("doctor")(product.doctor)
cli.command("sign-in-link")(product.sign_in_link)
cli.command("password")(people.password)
cli.command("migrate")(product.migrate)
cli.command("rebuild")(product.rebuild)
cli.command("reimport")(product.reimport)
cli.command("refresh")(product.refresh)
cli.command("reprice")(reprice.reprice)
cli.add_typer(gateway.cli, name="proxy")
cli.add_typer(keys.cli, name="keys")
cli.add_typer(task_verbs.cli, name="task")
cli.add_typer(agents.cli, name="agent")
cli.command("freeze")(agents.freeze_all)
cli.command("thaw")(agents.thaw_all)
cli.command("stalled")(agents.stalled)
cli.command("inbox")(recurring.inbox)
cli.add_typer(recurring.cli, name="recurring")
cli.add_typer(recurring.team_cli, name="team")


@cli.command("version")
def version(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Which version this is."""
    show(f'{{"version": "{VERSION}"}}' if as_json else VERSION)


def main() -> None:
    """The entry point of the command."""
    try:
        cli(prog_name="pointsman")
    except Unsuccessful as outcome:
        sys.stderr.write(f"{outcome}\n")
        sys.exit(outcome.exit_code)
