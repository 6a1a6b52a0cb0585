"""Prints the reference of the command line from its verbs: `python docs/generate_cli.py`. A test compares them."""

from collections.abc import Iterator
from pathlib import Path

from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from controlplane.cli.app import cli

PAGE = Path(__file__).parent / "reference" / "cli.md"
HEAD = """# Command line

This page is made from the verbs themselves by `python docs/generate_cli.py`; `pointsman VERB --help` says the same.
`--json` gives programs what people read. `pointsman --install-completion` teaches your shell verbs and tasks.

Verbs about tasks and agents are requests of the [JSON API](api.md), as the administrator. Where: `POINTSMAN_URL`, else
what runs on `POINTSMAN_HOME`. Who: `POINTSMAN_ADMIN_KEY`, else the home's `admin-key`.

| exit code | means |
|---|---|
| 0 | done |
| 1 | failed |
| 2 | wrong usage |
| 3 | not running: nobody answers |
| 4 | refused, with the reason on stderr |
"""
TABLE = "\n| verb | does | options |\n|---|---|---|\n"
EVERYWHERE = {"--help", "--install-completion", "--show-completion"}


def render_cli() -> str:
    """The whole page."""
    top = get_command(cli)
    if not isinstance(top, TyperGroup):
        raise TypeError("the command line has lost its verbs")
    groups = {name: verb for name, verb in top.commands.items() if isinstance(verb, TyperGroup)}
    alone = {name: verb for name, verb in top.commands.items() if name not in groups}
    sections = [_section("The product and everything in it", "pointsman", alone)]
    sections += [_section(name.capitalize(), f"pointsman {name}", group.commands) for name, group in groups.items()]
    return HEAD + "".join(sections)


def _section(title: str, prefix: str, verbs: dict[str, TyperCommand]) -> str:
    return f"\n## {title}\n{TABLE}" + "".join(_row(prefix, name, verb) for name, verb in verbs.items())


def _row(prefix: str, name: str, verb: TyperCommand) -> str:
    arguments = [_argument(each) for each in verb.params if isinstance(each, TyperArgument)]
    sentence = " ".join((verb.help or "").split()).replace("|", "\\|")
    return f"| `{' '.join([prefix, name, *arguments])}` | {sentence} | {'; '.join(_options(verb))} |\n"


def _argument(argument: TyperArgument) -> str:
    word = str(argument.name).upper()
    return word if argument.required else f"[{word}]"


def _options(verb: TyperCommand) -> Iterator[str]:
    for option in (each for each in verb.params if isinstance(each, TyperOption)):
        if EVERYWHERE & set(option.opts):
            continue
        names = "`" + "/".join([*option.opts, *option.secondary_opts]) + "`"
        yield f"{names} {option.help.rstrip('.')}" if option.help and "--json" not in option.opts else names


if __name__ == "__main__":
    PAGE.write_text(render_cli(), encoding="utf-8")
