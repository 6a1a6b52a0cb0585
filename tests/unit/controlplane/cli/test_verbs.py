import os
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controlplane.cli import app, product
from controlplane.cli.connection import ask, in_path
from controlplane.cli.outcome import NOT_RUNNING, WRONG_USAGE, Unsuccessful, show_table
from controlplane.cli.tasks import describe_status
from controlplane.version import VERSION


@pytest.fixture(autouse=True)
def _empty_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path))


def test_help_names_every_verb_and_the_exit_codes() -> None:
    said = CliRunner().invoke(app.cli, ["--help"]).output
    for verb in (
        "up",
        "down",
        "demo",
        "doctor",
        "keys",
        "task",
        "agent",
        "freeze",
        "thaw",
        "stalled",
        "sign-in-link",
        "password",
        "migrate",
        "rebuild",
        "reimport",
        "refresh",
        "reprice",
        "proxy",
        "version",
    ):
        assert f"\n  {verb} " in said
    assert "3 not running, 4 refused" in said


def test_the_version_can_be_read_by_programs() -> None:
    assert CliRunner().invoke(app.cli, ["version", "--json"]).output.strip() == f'{{"version": "{VERSION}"}}'


def test_wrong_usage_ends_with_two() -> None:
    assert CliRunner().invoke(app.cli, ["task", "create"]).exit_code == 2
    assert CliRunner().invoke(app.cli, ["keys", "create"]).exit_code == 2


def test_without_a_running_product_a_verb_says_how_to_start_one(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "argv", ["pointsman", "task", "list"])
    with pytest.raises(SystemExit) as end:
        app.main()
    assert end.value.code == NOT_RUNNING
    sentence = f"Pointsman is not running (home {tmp_path}). Start it by `pointsman up`, or set POINTSMAN_URL.\n"
    assert capsys.readouterr() == ("", sentence)


def test_an_offset_that_is_no_number_or_leaves_no_port_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    for offset in ("abc", "-9000", "99999"):
        monkeypatch.setenv("POINTSMAN_PORT_OFFSET", offset)
        with pytest.raises(Unsuccessful, match="POINTSMAN_PORT_OFFSET") as outcome:
            product.down()
        assert outcome.value.exit_code == WRONG_USAGE


def test_a_reference_stays_one_step_of_its_path_whatever_is_in_it() -> None:
    assert in_path("../keys?x#y") == "..%2Fkeys%3Fx%23y"
    for nothing in ("", "..", "\udcff"):
        with pytest.raises(Unsuccessful, match="names nothing"):
            in_path(nothing)


def test_an_argument_that_is_no_text_is_wrong_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POINTSMAN_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("POINTSMAN_ADMIN_KEY", "pm_admin_x")
    with pytest.raises(Unsuccessful) as outcome:
        ask("POST", "/tasks", body={"title": "\udcff"})
    assert outcome.value.exit_code == WRONG_USAGE


def test_down_without_a_running_product_is_not_a_success() -> None:
    with pytest.raises(Unsuccessful) as outcome:
        product.down()
    assert outcome.value.exit_code == NOT_RUNNING


def test_up_becomes_the_supervisor_so_that_the_command_line_is_not_carried_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _, arguments: became.append(arguments[1:]))
    CliRunner().invoke(app.cli, ["demo", "--port-offset", "7"])
    CliRunner().invoke(app.cli, ["proxy", "serve", "--config", "x.yaml"])
    assert became == [
        ["-P", "-m", "controlplane.supervisor", "--port-offset", "7", "--demo"],
        ["-P", "-m", "proxy", "serve", "--config", "x.yaml"],
    ]


def test_a_blocked_task_says_so_beside_its_status() -> None:
    assert describe_status({"status": "in_progress", "is_blocked": False}) == "in progress"
    assert describe_status({"status": "ready", "is_blocked": True}) == "ready (blocked)"


def test_columns_are_as_wide_as_their_widest_cell(capsys: pytest.CaptureFixture[str]) -> None:
    show_table(("TASK", "TITLE"), [("T-1", "Draft"), ("T-1000", "")])
    assert capsys.readouterr().out == "TASK    TITLE\nT-1     Draft\nT-1000\n"
