import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from controlplane.settings import Home, Settings
from controlplane.supervisor.temporal_server import (
    Resolved,
    TemporalNotFound,
    TemporalVersion,
    fit_database,
    reimport_marker,
    resolve_temporal,
    temporal_arguments,
)

NEW, OLD = TemporalVersion("1.9.1", "1.32.0"), TemporalVersion("1.7.2", "1.29.0")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=Home(tmp_path), port_offset=100)


@pytest.fixture
def program(tmp_path: Path) -> Path:
    folder = tmp_path / "somewhere"
    folder.mkdir()
    return Path(shutil.copy("/bin/true", folder / "temporal"))


def test_an_address_wins_over_every_program(settings: Settings, program: Path) -> None:
    far = replace(settings, temporal_address="temporal.example:7233")
    environment = {"POINTSMAN_TEMPORAL_BIN": str(program), "PATH": str(program.parent)}
    assert resolve_temporal(far, environment, program) == Resolved("TEMPORAL_ADDRESS", address="temporal.example:7233")


def test_a_named_program_wins_over_the_one_beside_the_interpreter(settings: Settings, program: Path) -> None:
    resolved = resolve_temporal(settings, {"POINTSMAN_TEMPORAL_BIN": str(program)}, program.with_name("python"))
    assert resolved == Resolved("POINTSMAN_TEMPORAL_BIN", binary=program)


def test_the_program_beside_the_interpreter_wins_over_path(settings: Settings, program: Path) -> None:
    resolved = resolve_temporal(settings, {"PATH": "/nowhere"}, program.with_name("python"))
    assert resolved == Resolved("beside the interpreter", binary=program)


def test_a_new_enough_program_on_path_is_the_last_resort(settings: Settings, program: Path) -> None:
    resolved = resolve_temporal(settings, {"PATH": str(program.parent)}, Path("/nowhere/python"), lambda _: NEW)
    assert resolved == Resolved("PATH", binary=program)


def test_an_old_program_on_path_is_refused_with_its_version(settings: Settings, program: Path) -> None:
    with pytest.raises(TemporalNotFound, match=r"says version 1\.7\.2: 1\.8 or newer is needed"):
        resolve_temporal(settings, {"PATH": str(program.parent)}, Path("/nowhere/python"), lambda _: OLD)


def test_when_nothing_is_found_each_step_comes_with_its_fix(settings: Settings) -> None:
    with pytest.raises(TemporalNotFound) as refusal:
        resolve_temporal(settings, {"PATH": "/nowhere"}, Path("/nowhere/python"))
    steps = str(refusal.value).splitlines()[1:]
    assert [step.split(". ")[0].strip() for step in steps] == ["1", "2", "3", "4"]
    assert all("Fix: " in step for step in steps)


def test_a_wrong_name_is_an_error_and_not_a_reason_to_look_elsewhere(settings: Settings, program: Path) -> None:
    environment = {"POINTSMAN_TEMPORAL_BIN": "/no/such/file", "PATH": str(program.parent)}
    with pytest.raises(TemporalNotFound, match="'/no/such/file'"):
        resolve_temporal(settings, environment, program.with_name("python"), lambda _: NEW)


def test_the_server_listens_on_loopback_without_its_user_interface(settings: Settings) -> None:
    line = " ".join(temporal_arguments("temporal", settings))
    assert "--ip 127.0.0.1 --port 7333" in line
    assert "--headless" in line
    assert "--sqlite-pragma journal_mode=wal" in line
    assert "--ui-port 8333" in " ".join(temporal_arguments("temporal", settings, with_ui=True))


def test_a_file_of_another_version_is_kept_aside_and_its_tasks_asked_back(settings: Settings) -> None:
    home = settings.home
    sqlite3.connect(home.control_database).close()
    home.control_database.touch()
    fit_database(home, "1.31.2", "a")
    reimport_marker(home).unlink()
    home.temporal_database.write_text("old", encoding="utf-8")
    home.temporal_database.with_name("temporal.sqlite-wal").write_text("old log", encoding="utf-8")

    kept_aside = fit_database(home, "1.32.0", "b")

    assert kept_aside == home.root / "temporal.sqlite.1.31.2.b"
    assert kept_aside.read_text(encoding="utf-8") == "old"
    assert (home.root / "temporal.sqlite.1.31.2.b-wal").read_text(encoding="utf-8") == "old log"
    assert not home.temporal_database.exists()
    assert reimport_marker(home).exists()


def test_a_file_of_the_same_version_stays(settings: Settings) -> None:
    settings.home.control_database.touch()
    settings.home.temporal_database.write_text("ours", encoding="utf-8")
    fit_database(settings.home, "1.32.0", "a")
    assert fit_database(settings.home, "1.32.0", "b") is None
    assert settings.home.temporal_database.read_text(encoding="utf-8") == "ours"
    assert not reimport_marker(settings.home).exists()


def test_a_lost_file_asks_for_the_tasks_but_a_first_start_does_not(settings: Settings) -> None:
    fit_database(settings.home, "1.32.0", "a")
    assert not reimport_marker(settings.home).exists()
    settings.home.control_database.touch()
    fit_database(settings.home, "1.32.0", "b")
    assert reimport_marker(settings.home).exists()
