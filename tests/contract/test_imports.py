"""What importing a module brings along, and that rooms look downwards only (the contracts stand in pyproject.toml)."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_room_keeps_the_import_contracts() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        (
            "proxy.app",
            ("httpx2", "pydantic", "sqlalchemy", "sqlmodel", "fastapi", "temporalio", "mcp", "botocore", "google"),
        ),
        (
            "controlplane.gateway.__main__",
            ("httpx2", "pydantic", "sqlalchemy", "sqlmodel", "fastapi", "temporalio", "mcp"),
        ),
        ("controlplane.recorder.__main__", ("httpx2", "pydantic", "sqlalchemy", "sqlmodel", "fastapi", "temporalio")),
        (
            "controlplane.supervisor.__main__",
            ("httpx2", "pydantic", "sqlalchemy", "fastapi", "temporalio", "typer", "yaml"),
        ),
        ("controlplane.cli", ("httpx2", "pydantic", "sqlalchemy", "fastapi", "temporalio", "uvicorn")),
        ("pointsman", ("httpx2", "pydantic", "websockets")),
    ],
)
def test_importing_stays_light(module: str, heavy: tuple[str, ...]) -> None:
    assert _loaded_by(module) & set(heavy) == set()


def test_the_wire_contract_needs_the_standard_library_alone() -> None:
    outside = _loaded_by("pointsman.contract") - set(sys.stdlib_module_names) - _loaded_by("sys")
    assert outside == {"pointsman"}


def _loaded_by(module: str) -> set[str]:
    """The top-level names in `sys.modules` after importing a module in a fresh interpreter."""
    code = f"import {module}, sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())
