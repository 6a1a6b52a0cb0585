"""Rules of the house that no linter knows. Each one names the reason it exists for."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROOMS = ("controlplane", "workers", "web", "proxy", "sdk/pointsman")
LONGEST_FILE, LONGEST_FUNCTION = 400, 60
NAMELESS = {"utils", "util", "helpers", "helper", "common", "misc", "manager", "managers"}
# A bare silencer tells the next reader nothing: he can neither keep it nor dare to remove it.
SILENCER = re.compile(r"#\s*(?:noqa|type:\s*ignore|pragma)\b[^#\n]*")
REASON = re.compile(r"(?:noqa: [A-Z0-9, ]+|type: ignore\[[\w, -]+\]|pragma: no \w+)(?:\s*(?:#|-)\s*)\S")
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:work|root|home)/\w+")


def _sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from (path for path in sorted((ROOT / folder).rglob("*.py")) if "__pycache__" not in path.parts)


def _tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False, timeout=30)
    if listed.returncode:
        pytest.skip("not a git checkout: nothing says which files are ours")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_a_module_is_short_enough_to_be_read_in_one_sitting() -> None:
    lengths = {_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in _sources(*ROOMS, "tests")}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_a_function_fits_on_a_screen() -> None:
    too_long = {
        f"{_name(path)}:{node.lineno} {node.name}": length
        for path in _sources(*ROOMS)
        if "migrations" not in path.parts  # a migration is a list of columns, written by Alembic and read once
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert too_long == {}


def test_a_module_is_named_for_its_idea() -> None:
    assert [_name(path) for path in _sources(*ROOMS) if path.stem in NAMELESS] == []


def test_whoever_silences_a_check_says_why() -> None:
    bare = [
        f"{_name(path)}:{number}: {found[0].strip()}"
        for path in _sources(*ROOMS, "deploy", "bench")
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if (found := SILENCER.search(line)) and not REASON.search(line)
    ]
    assert bare == []


def test_nothing_committed_knows_the_machine_it_was_written_on() -> None:
    found = [
        f"{_name(path)}: {match[0]}"
        for path in _tracked()
        if path.suffix not in {".lock", ".png", ".woff2", ".ico", ".gz"}
        for match in MACHINE_PATH.finditer(path.read_text(encoding="utf-8", errors="ignore"))
        if path != Path(__file__)
    ]
    assert found == []


def test_the_lock_files_name_no_host() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        assert [line for line in lines if "://" in line or line.startswith("--")] == []


def test_every_room_says_what_it_is_for() -> None:
    for room in ROOMS:
        docstring = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8")))
        assert docstring, room
        assert len(docstring.splitlines()) <= 20, room


def test_every_process_says_what_happens_when_it_is_killed() -> None:
    entries = [path for path in _sources(*ROOMS) if path.name == "__main__.py"]
    silent = [
        _name(path)
        for path in entries
        if not re.search(r"[Kk]ill", ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")
    ]
    assert silent == []
