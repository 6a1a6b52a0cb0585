"""Makes `.venv` what the lock file says: `python3 deploy/environment.py [--dev]`.

Standard library only, and readable by any Python 3: it must be able to say that the Python is too old. Idempotent: a
stamp with the lock's hash makes the second call instant; a call that was killed is simply done again. Packages come by
hash from the lock, through a pinned uv (itself by hash) or, where uv does not run, through pip. Nothing is compiled and
no Python is downloaded.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

OLDEST = (3, 11)
NEWER_NAMES = ("python3.14", "python3.13", "python3.12", "python3.11")
CHECKOUT = Path(__file__).resolve().parent.parent
ENVIRONMENT = CHECKOUT / ".venv"
PYTHON = ENVIRONMENT / "bin" / "python"
STAMP = ENVIRONMENT / "pointsman-environment.json"
PIP_INSTALL = [str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--require-hashes"]
RUNTIME_LOCK = CHECKOUT / "requirements.lock"
DEV_LOCK = CHECKOUT / "requirements-dev.lock"
COMMAND = """#!/bin/sh
# Through sh: a path with spaces, or one of more than 127 characters, cannot stand in a #! line.
exec "$(dirname "$(readlink -f "$0")")/python" -P -m controlplane.cli "$@"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes .venv what the lock file says.")
    parser.add_argument("--dev", action="store_true", help="also what tests and checks need")
    options = parser.parse_args()
    if is_current(options.dev):
        return
    leave_an_old_python()
    if not runs(PYTHON):
        make_environment()
    STAMP.unlink(missing_ok=True)
    install(DEV_LOCK if options.dev else RUNTIME_LOCK)
    link_checkout()
    STAMP.write_text(json.dumps(stamp(options.dev)), encoding="utf-8")
    say("the environment is ready.")


def is_current(with_dev: bool) -> bool:
    """Whether a finished earlier call left what this one wants; the development set contains the other."""
    try:
        found = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return PYTHON.exists() and found in ((stamp(True),) if with_dev else (stamp(True), stamp(False)))


def stamp(with_dev: bool) -> dict:
    locks = (RUNTIME_LOCK, DEV_LOCK) if with_dev else (RUNTIME_LOCK,)
    content = b"".join(lock.read_bytes() for lock in locks) + COMMAND.encode() + str(CHECKOUT).encode()
    return {"lock": hashlib.sha256(content).hexdigest(), "dev": with_dev}


def leave_an_old_python() -> None:
    """Goes on in a newer interpreter from PATH when this one is too old. (The file must parse there.)"""
    if sys.version_info >= OLDEST:
        return
    for name in NEWER_NAMES:
        found = shutil.which(name)
        if found and runs(found):
            os.execv(found, [found, *sys.argv])
    mine = "{}.{}".format(*sys.version_info[:2])
    fail(f"Pointsman needs Python 3.11 or newer, {sys.executable} is {mine}. Name one: make PYTHON=/path/to/python3 up")


def make_environment() -> None:
    say(f"making {ENVIRONMENT.name} with {sys.executable} …")
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], capture_output=True, check=False)
    if made.returncode:
        sys.stderr.write((made.stdout + made.stderr).decode(errors="replace"))
        fail(
            f"{sys.executable} cannot make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv; "
            "elsewhere use a Python that brings venv and ensurepip: make PYTHON=/path/to/python3 up"
        )


def install(lock: Path) -> None:
    """Everything the lock names, by hash, and nothing else."""
    count = sum(1 for line in lock.read_text(encoding="utf-8").splitlines() if re.match(r"\S+==", line))
    say(f"installing {count} packages from {lock.name} …")
    if install_with_uv(lock):
        return
    say("uv could not do it; trying pip, which takes longer …")
    if subprocess.run([*PIP_INSTALL, "-r", str(lock)], check=False).returncode:
        fail("The packages could not be installed. Is the package index reachable? Run the same command again then.")


def install_with_uv(lock: Path) -> bool:
    uv = ENVIRONMENT / "bin" / "uv"
    if not runs(uv, "--version") and not bootstrap_uv():
        return False
    arguments = [str(uv), "pip", "sync", "--quiet", "--python", str(PYTHON), "--require-hashes", str(lock)]
    return subprocess.run(arguments, env=uv_environment(), check=False).returncode == 0


def bootstrap_uv() -> bool:
    """Installs the uv that the development lock names, by hash, through pip."""
    entry = re.search(r"^uv==(?:.*\\\n)+.*\n", DEV_LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "uv.lock"
        pinned.write_text(entry.group(0), encoding="utf-8")
        arguments = [*PIP_INSTALL, "--no-deps", "--only-binary", ":all:", "-r", str(pinned)]
        return subprocess.run(arguments, check=False).returncode == 0


def uv_environment() -> dict:
    """Lets uv ask the index that this machine's pip is set to, unless uv was told itself. It fetches no Python."""
    environment = dict(os.environ, UV_PYTHON_DOWNLOADS="never", UV_NO_PROGRESS="1")
    listed = subprocess.run(
        [str(PYTHON), "-m", "pip", "config", "list"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    configured = dict(re.findall(r"^[\w:]+\.([\w-]+)='(.*)'$", listed.stdout.decode(errors="replace"), re.MULTILINE))
    for ours, theirs in (
        ("UV_DEFAULT_INDEX", "index-url"),
        ("UV_INDEX", "extra-index-url"),
        ("UV_FIND_LINKS", "find-links"),
    ):
        value = os.environ.get("PIP_" + theirs.upper().replace("-", "_")) or configured.get(theirs)
        is_usable = value and (theirs != "find-links" or "://" in value or Path(value).exists())
        if is_usable:
            environment.setdefault(ours, value)
    return environment


def link_checkout() -> None:
    """The checkout's rooms become importable, and the command exists: what an editable install would do."""
    site = subprocess.check_output([str(PYTHON), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"])
    path_file = Path(site.decode().strip()) / "_pointsman_checkout.pth"
    path_file.write_text("{}\n{}\n".format(CHECKOUT, CHECKOUT / "sdk"), encoding="utf-8")
    command = ENVIRONMENT / "bin" / "pointsman"
    command.write_text(COMMAND, encoding="utf-8")
    command.chmod(0o755)


def runs(program: object, *arguments: str) -> bool:
    question = [str(program), *(arguments or ("-c", "import sys; sys.exit(sys.version_info < (3, 11))"))]
    try:
        return subprocess.run(question, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
    except OSError:
        return False


def say(text: str) -> None:
    sys.stderr.write(f"environment: {text}\n")
    sys.stderr.flush()


def fail(text: str) -> None:
    sys.stderr.write(f"environment: {text}\n")
    sys.exit(1)


if __name__ == "__main__":
    main()
