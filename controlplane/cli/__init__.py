"""The command `pointsman`: starts and stops the product, and speaks to its JSON API.

Words: a **verb** is one command; data goes to stdout (with `--json` for programs), sentences for people to stderr.
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 Pointsman is not running, 4 the request was refused.
"""

from controlplane.cli.app import main

__all__ = ["main"]
