"""The wheel: what it contains, and that it runs without the checkout."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from controlplane.version import VERSION
from tests.product import product_environment, start_product

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    # With the hatchling of the development lock, in this environment: no network, no build of its own.
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


def test_the_wheel_brings_the_five_rooms_and_nothing_else(wheel: Path) -> None:
    names = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    rooms = {name for name in names if not name.endswith(".dist-info")}
    assert rooms == {"controlplane", "workers", "web", "proxy", "pointsman"}


def test_the_wheel_brings_what_the_code_reads_at_run_time(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    needed = [
        *(ROOT / "controlplane/store/migrations").rglob("*.*"),
        *(ROOT / "web/templates").rglob("*.*"),
        *(ROOT / "web/static").rglob("*.*"),
    ]
    names = {str(path.relative_to(ROOT)) for path in needed if "__pycache__" not in path.parts and path.is_file()}
    assert names, "the folders are not where this test looks for them"
    assert names - packed == set()


def test_the_version_is_the_same_everywhere() -> None:
    for project in ("pyproject.toml", "sdk/pyproject.toml"):
        assert tomllib.loads((ROOT / project).read_text(encoding="utf-8"))["project"]["version"] == VERSION


def test_the_server_never_depends_on_the_distribution_it_contains() -> None:
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    assert [name for name in dependencies if re.match(r"pointsman\b", name)] == []


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_installed_wheel_starts_outside_of_the_checkout(
    wheel: Path, tmp_path: Path, free_port_offset: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = tmp_path / "environment"
    _run(sys.executable, "-m", "venv", "--without-pip", str(environment))
    python = environment / "bin" / "python"
    _install(wheel, python)
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(sys, "executable", str(python))
    with start_product(tmp_path / "place" / "home", free_port_offset) as product:
        assert product.run_file["version"] == VERSION
        assert product.command("doctor", check=False).returncode == 0
        command = [str(environment / "bin" / "pointsman"), "version"]
        said = subprocess.run(
            command, env=product_environment(product.home, 0), cwd=tmp_path, capture_output=True, text=True, timeout=30
        )
        assert said.stdout.strip() == VERSION


def _install(wheel: Path, python: Path) -> None:
    """The wheel itself by uv; its dependencies are this environment's, seen through a path file instead of a copy.

    That keeps the test offline. What is tested is our wheel: its rooms, its files, its command.
    """
    uv = Path(sys.executable).with_name("uv")
    offline = {**os.environ, "UV_PYTHON_DOWNLOADS": "never", "UV_OFFLINE": "1"}
    arguments = [str(uv), "pip", "install", "--quiet", "--no-deps", "--python", str(python), str(wheel)]
    subprocess.run(arguments, env=offline, check=True, timeout=60)
    purelib = _run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    dependencies = _run(sys.executable, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
    # Appended to sys.path without reading the path files there: the checkout's own .pth must stay unseen.
    Path(purelib, "dependencies.pth").write_text(f"{dependencies}\n", encoding="utf-8")
    (python.parent / "temporal").symlink_to(Path(sys.executable).with_name("temporal"))
    found = _run(
        str(python), "-P", "-c", "import controlplane, pointsman; print(controlplane.__file__, pointsman.__file__)"
    )
    assert all(Path(path).is_relative_to(python.parents[1]) for path in found.split()), found


def _run(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, cwd="/").stdout
