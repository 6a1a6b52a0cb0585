"""Verbs of the gateway alone. Each is handed on as it is to `python -m proxy`, whose `--help` knows its options."""

import typer

from controlplane.cli.product import become

_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}

cli = typer.Typer(help="The gateway alone, without control plane.", no_args_is_help=True)


@cli.command("serve", context_settings=_PASS_ON)
def serve(context: typer.Context) -> None:
    """Serve from a file, without database: `--config FILE [--port PORT] [--log FILE]`."""
    become("proxy", "serve", *context.args)


@cli.command("cost", context_settings=_PASS_ON)
def cost(context: typer.Context) -> None:
    """Say what a call cost, by its usage or its answer on standard input: `--provider P [--model M] [--at DATE]`."""
    become("proxy", "cost", *context.args)


@cli.command("translate", context_settings=_PASS_ON)
def translate(context: typer.Context) -> None:
    """Put a request or an answer on standard input into another dialect: `--from DIALECT --to DIALECT [--stream]`."""
    become("proxy", "translate", *context.args)
