"""The command line of `proxy/translating.py`."""

import argparse
import sys

from proxy.errors import ProxyError
from proxy.translating import DIALECTS, UntranslatableError, dialect_of, translate

ENDED_WELL, BAD_INPUT = 0, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    names = ", ".join(sorted(set(DIALECTS.values())))
    parser.add_argument("--from", dest="source", metavar="DIALECT", required=True, help=f"one of {names}")
    parser.add_argument("--to", dest="target", metavar="DIALECT", required=True, help="the same")
    parser.add_argument("--stream", action="store_true", help="the request is for a stream, or the answer is one")
    parser.add_argument("--model", default="", help="for dialects whose path says it (Gemini, Bedrock)")
    parser.add_argument("--status", type=int, default=0, help="the HTTP status of an error")


def run(options: argparse.Namespace) -> int:
    """Standard input to standard output. What could not be said goes to standard error, a line each."""
    try:
        found = translate(
            sys.stdin.buffer.read(),
            dialect_of(options.source),
            dialect_of(options.target),
            is_stream=options.stream,
            model=options.model,
            status=options.status,
        )
    except (UntranslatableError, ProxyError) as error:
        print(f"proxy: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks to its user
        return BAD_INPUT
    for loss in found.losses:
        print(f"dropped {loss.name}: {loss.reason}", file=sys.stderr)  # noqa: T201 - as above
    sys.stdout.buffer.write(found.output)
    sys.stdout.buffer.flush()
    return ENDED_WELL
