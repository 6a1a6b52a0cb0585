import os
import stat
import sys
from pathlib import Path

import pytest

from controlplane.settings import read_settings
from controlplane.supervisor.__main__ import main
from controlplane.supervisor.child import Backoff, Death
from controlplane.supervisor.console import Console
from controlplane.supervisor.files import write_atomically
from controlplane.supervisor.lock import HomeTaken, hold_home, holder_of
from controlplane.supervisor.log_file import open_log, rotate, tail
from controlplane.supervisor.plan import local_url
from controlplane.supervisor.process import ProcessIdentity, birth_of, identify
from controlplane.supervisor.run_file import Running, identities, read_run_file, write_run_file


def test_the_delay_doubles_from_a_fifth_of_a_second_to_ten_seconds() -> None:
    backoff = Backoff()
    assert [backoff.after(1.0) for _ in range(8)] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0]


def test_half_a_minute_of_life_forgives_earlier_deaths() -> None:
    backoff = Backoff()
    for _ in range(5):
        backoff.after(1.0)
    assert backoff.after(30.0) == 0.2


def test_a_death_by_signal_names_the_signal() -> None:
    assert Death("web", 7, -9, 0.2, 1).cause == "SIGKILL"
    assert Death("web", 7, 3, 0.2, 1).cause == "exit code 3"


def test_the_run_file_tells_places_pids_and_births(tmp_path: Path) -> None:
    web = Running(ProcessIdentity(12, "345"), "2026-11-21T10:00:00.000+00:00", {"url": "http://127.0.0.1:8080"})
    path = tmp_path / "run.json"
    write_run_file(path, "0.1.0", {"web": web}, {"temporal": {"address": "far:7233", "ui": None}})
    content = read_run_file(path)
    assert content == {
        "version": "0.1.0",
        "temporal": {"address": "far:7233", "ui": None},
        "web": {
            "url": "http://127.0.0.1:8080",
            "pid": 12,
            "started_at": "2026-11-21T10:00:00.000+00:00",
            "birth": "345",
        },
    }
    assert identities(content) == {"web": ProcessIdentity(12, "345")}


def test_a_run_file_that_cannot_be_understood_names_nobody(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    assert read_run_file(path) == {}
    path.write_text('{"web": {"pid"', encoding="utf-8")
    assert read_run_file(path) == {}


def test_a_reused_pid_is_not_the_same_process() -> None:
    me = identify(os.getpid())
    assert me is not None
    assert me.is_alive()
    assert not ProcessIdentity(os.getpid(), me.birth + "1").is_alive()
    assert birth_of(2**22 + 1) == ""


def test_a_second_holder_is_refused_in_one_sentence_that_names_the_first(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    with hold_home(lock) as was_killed:
        assert not was_killed
        assert holder_of(lock) == identify(os.getpid())
        with pytest.raises(HomeTaken, match=rf"already runs on this home \(process {os.getpid()}\)"), hold_home(lock):
            pass
    assert holder_of(lock) is None


def test_a_holder_that_was_killed_is_noticed_by_the_next(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    lock.write_text('{"pid": 999999999, "birth": "1"}', encoding="utf-8")
    with hold_home(lock) as was_killed:
        assert was_killed
    with hold_home(lock) as was_killed:
        assert not was_killed


def test_a_secret_is_never_readable_by_others(tmp_path: Path) -> None:
    path = tmp_path / "admin-key"
    write_atomically(path, "secret\n", 0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == ["admin-key"]


def test_a_large_log_is_emptied_under_its_writer_who_goes_on_writing(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "web.log"
    descriptor = open_log(path)
    os.write(descriptor, b"old\n" * 100)
    assert rotate(path, limit_bytes=100)
    os.write(descriptor, b"new\n")
    os.close(descriptor)
    assert path.read_text(encoding="utf-8") == "new\n"
    assert (tmp_path / "logs" / "web.log.1").read_text(encoding="utf-8") == "old\n" * 100
    assert not rotate(path, limit_bytes=100)


def test_the_last_words_of_a_child_are_its_last_lines(tmp_path: Path) -> None:
    path = tmp_path / "web.log"
    assert tail(path) == []
    path.write_text("".join(f"line {number}\n" for number in range(5000)), encoding="utf-8")
    assert tail(path, 2) == ["line 4998", "line 4999"]


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:80"), ("0.0.0.0", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")],
)
def test_a_url_is_one_that_this_machine_can_reach(host: str, url: str) -> None:
    assert local_url(host, 80) == url


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:8080"), ("0.0.0.0", "http://127.0.0.1:8080"), ("::", "http://[::1]:8080")],
)
def test_the_address_for_others_is_one_that_can_be_reached(host: str, url: str) -> None:
    assert read_settings({"POINTSMAN_HOST": host}).web_url == url


def test_a_given_address_wins_over_host_and_port() -> None:
    environment = {"POINTSMAN_WEB_URL": "https://board.example/", "POINTSMAN_PROXY_URL": "http://proxy:8787"}
    settings = read_settings(environment)
    assert (settings.web_url, settings.proxy_url) == ("https://board.example", "http://proxy:8787")


def test_a_closed_terminal_stops_nothing(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w", encoding="utf-8")
    console = Console(out)
    console.say("nobody hears this")
    with console.step("nor that"):
        pass
    with pytest.raises(BrokenPipeError):
        out.close()


def test_a_home_that_cannot_be_made_ends_up_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(sys, "argv", ["pointsman"])

    assert main() == 1
    assert f"The home {tmp_path / 'file'} cannot be used (Not a directory)." in capfd.readouterr().out
