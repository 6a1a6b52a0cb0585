"""`pointsman reprice` as people call it, on a home of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controlplane.cli.app import cli
from tests.fakes.recording import Bench, ended, recording_bench, started, write


@pytest.fixture
def recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """One call of a model that only the configuration has a price for."""
    (tmp_path / "pointsman.yaml").write_text(
        "providers: {openai: {api_key: sk}}\nprices: {openai: {own: {input: 3, output: 0}}}\n"
    )
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path))
    monkeypatch.setenv("POINTSMAN_CONFIG", str(tmp_path / "pointsman.yaml"))
    with recording_bench(tmp_path) as bench:
        writer = bench.writer()
        write(writer, started("c_1", model="own"), ended("c_1", cost_nano_usd=0, is_priced=False))
        writer.close()
        bench.recorder().turn(at_once=True)
        yield bench


def say(*words: str) -> str:
    answer = CliRunner().invoke(cli, ["reprice", *words])
    assert answer.exit_code == 0, answer.output
    return answer.output


def test_it_tells_what_would_change_then_what_changed_then_that_nothing_is_left(recorded: Bench) -> None:
    assert "1 of 1 calls would change." in say("--dry-run")
    assert recorded.call("c_1")["cost_nano_usd"] == 0
    told = json.loads(say("--json", "--since", "2020-01-01", "--provider", "openai", "--model", "own"))
    change = {"provider": "openai", "model": "own", "calls": 1, "before_nano_usd": 0, "after_nano_usd": 3_000_000}
    assert told == {"calls": 1, "is_dry_run": False, "changes": [change]}
    assert (recorded.call("c_1")["is_priced"], recorded.usage()["cost_nano_usd"]) == (1, 3_000_000)
    assert say() == "0 of 1 calls changed.\n"
    assert say("--until", "2020-01-01") == "0 of 0 calls changed.\n"
