import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from controlplane import doctor
from controlplane.settings import Home, Settings
from controlplane.supervisor.lock import hold_home
from controlplane.supervisor.process import ProcessIdentity, birth_of
from controlplane.supervisor.run_file import Running, write_run_file


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=Home(tmp_path), temporal_address="far:7233")


def _by_name(findings: list[doctor.Finding]) -> dict[str, doctor.Finding]:
    return {finding.name: finding for finding in findings}


async def test_a_home_where_nothing_runs_is_told_to_come_up(settings: Settings) -> None:
    found = _by_name(await doctor.examine(settings, os.environ))
    assert found["supervisor"] == doctor.Finding("supervisor", False, "does not run", "pointsman up")
    assert "web" not in found


async def test_a_dead_child_is_named_with_its_log(settings: Settings) -> None:
    recorder = Running(ProcessIdentity(999_999_999, "1"), "2026-11-21T10:00:00+00:00", {})
    with hold_home(settings.home.root / "lock"):
        write_run_file(settings.home.run_file, "0.1.0", {"recorder": recorder}, {})
        found = _by_name(await doctor.examine(settings, os.environ))
    assert not found["recorder"].is_ok
    assert found["recorder"].advice == f"read {settings.home.logs}/recorder.log"
    assert found["web"].text == "is not there"


@pytest.mark.parametrize(("silent_ms", "is_ok"), [(1_000, True), (60_000, False)])
async def test_a_child_that_lives_but_is_silent_is_not_well(settings: Settings, silent_ms: int, is_ok: bool) -> None:
    alive_at_ms = time.time_ns() // 1_000_000 - silent_ms
    with closing(sqlite3.connect(settings.home.control_database)) as connection, connection:
        connection.execute("CREATE TABLE processes (name, alive_at_ms)")
        connection.execute("INSERT INTO processes VALUES ('workers', ?)", (alive_at_ms,))
    workers = Running(ProcessIdentity(os.getpid(), birth_of(os.getpid())), "2026-11-21T10:00:00+00:00", {})
    with hold_home(settings.home.root / "lock"):
        write_run_file(settings.home.run_file, "0.1.0", {"workers": workers}, {})
        found = _by_name(await doctor.examine(settings, os.environ))
    assert found["workers"].is_ok is is_ok


async def test_a_secret_that_others_can_read_is_told_with_its_cure(settings: Settings) -> None:
    settings.home.admin_key_file.write_text("secret", encoding="utf-8")
    settings.home.admin_key_file.chmod(0o644)
    found = _by_name(await doctor.examine(settings, os.environ))
    assert found["admin-key"].advice == f"chmod 600 {settings.home.admin_key_file}"


def test_what_is_wrong_comes_with_its_advice_below(settings: Settings) -> None:
    text = doctor.render([doctor.Finding("web", False, "is not there", "read the log")], settings)
    assert text.splitlines()[2:] == ["  ✗ web        is not there", "               → read the log"]
