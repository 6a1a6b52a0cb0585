"""`python -m proxy COMMAND`, which `pointsman proxy COMMAND` is too: the gateway without control plane.

Each command is a module with `add_arguments` and `run`, loaded when it is the one that is asked for: who serves need
not carry what translates. What happens when a command is killed stands in its module.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module

COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("proxy.serve_command", "serve until SIGTERM"),
    "cost": ("proxy.cost_command", "what a call cost, by its provider's account of it"),
    "translate": ("proxy.translate_command", "a request or an answer from one dialect into another"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 when all went well, 2 when the input or a file is at fault."""
    arguments = sys.argv[1:] if arguments is None else arguments
    parser = argparse.ArgumentParser(prog="pointsman proxy", description="Pointsman's LLM and MCP gateway, alone.")
    commands = parser.add_subparsers(required=True, dest="command")
    asked = next((one for one in arguments if one in COMMANDS), "")
    for name, (module, sentence) in COMMANDS.items():
        command = commands.add_parser(name, help=sentence, description=sentence)
        if name == asked:
            import_module(module).add_arguments(command)
    options = parser.parse_args(arguments)
    code: int = import_module(COMMANDS[options.command][0]).run(options)
    return code
