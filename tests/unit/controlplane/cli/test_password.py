import asyncio
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controlplane.access.sessions import sign_in
from controlplane.cli import app
from controlplane.cli.outcome import NOT_RUNNING, REFUSED, Unsuccessful
from controlplane.settings import Home, Settings
from controlplane.store.database import open_control

SENTENCE = "three trains at the north yard"


@pytest.fixture
def home(tmp_path: Path, migrated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = Path(shutil.copytree(migrated, tmp_path / "home"))
    monkeypatch.setenv("POINTSMAN_HOME", str(home))
    return home


def _set(password: str) -> tuple[str, BaseException | None]:
    result = CliRunner().invoke(app.cli, ["password", "--stdin"], input=password + "\n")
    return result.output, result.exception


async def _comes_in(home: Path, password: str) -> bool:
    control = open_control(Settings(home=Home(home)))
    try:
        return await sign_in(control, "admin@localhost", password, 1) is not None
    finally:
        await control.close()


def test_the_password_that_was_set_opens_the_door(home: Path) -> None:
    assert _set(SENTENCE) == ("Done. Sign in as admin@localhost.\n", None)
    assert asyncio.run(_comes_in(home, SENTENCE))
    assert not asyncio.run(_comes_in(home, SENTENCE + "!"))


def test_a_short_password_is_refused_with_what_to_do(home: Path) -> None:
    _, error = _set("short")
    assert isinstance(error, Unsuccessful)
    assert (error.exit_code, str(error)) == (
        REFUSED,
        "A password has at least 12 characters; a sentence is a good one.",
    )
    assert not asyncio.run(_comes_in(home, "short"))


def test_without_a_home_it_says_what_to_do_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path / "nowhere"))
    _, error = _set(SENTENCE)
    assert isinstance(error, Unsuccessful)
    assert error.exit_code == NOT_RUNNING
