"""`pointsman up` as a whole: what a person types, and what must be true afterwards."""

import json
import os
import signal
import socket
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from controlplane.supervisor.process import birth_of
from controlplane.supervisor.run_file import identities
from tests.conftest import find_free_offset
from tests.product import Product, pointsman, product_environment, start_product, wait_until

# A start on a busy machine takes some seconds, and some of these start twice. One worker: its product is shared.
pytestmark = [pytest.mark.timeout(150), pytest.mark.xdist_group("up")]


def test_the_doctor_finds_everything_well_and_knows_where_it_is(product: Product) -> None:
    examined = product.command("doctor", "--json", check=False)
    content = json.loads(examined.stdout)
    wrong = [finding for finding in content["findings"] if not finding["is_ok"]]
    assert (examined.returncode, content["ok"], wrong) == (0, True, [])
    by_name = {finding["name"]: finding for finding in content["findings"]}
    for name in ("web", "proxy", "recorder", "workers", "temporal"):
        assert by_name[name]["pid"] == product.run_file[name]["pid"]
        assert by_name[name]["started_at"] == product.run_file[name]["started_at"]


def test_secrets_are_for_the_owner_alone_and_not_in_the_run_file(product: Product) -> None:
    for name in ("admin-key", "master-key"):
        assert stat.S_IMODE((product.home / name).stat().st_mode) == 0o600
    assert "pm_" not in (product.home / "run.json").read_text(encoding="utf-8")


def test_a_second_up_on_the_same_home_says_so_in_one_sentence(product: Product) -> None:
    second = product.command("up", check=False)
    assert second.returncode == 1
    assert second.stdout.splitlines()[-1].startswith("Pointsman already runs on this home (process ")


def test_a_key_for_an_agent_is_all_that_stdout_says(product: Product) -> None:
    key = product.command("keys", "create", "--agent", "typist", "--capabilities", "draft,edit").stdout
    assert key.startswith("pm_agent_")
    assert key.count("\n") == 1
    listed = json.loads(product.command("keys", "list", "--json").stdout)
    made = next(entry for entry in listed if entry["agent"] == "typist")
    assert made["tail"] == key.strip()[-4:]
    product.command("keys", "revoke", made["key_id"])
    again = json.loads(product.command("keys", "list", "--json").stdout)
    assert next(entry for entry in again if entry["key_id"] == made["key_id"])["revoked_at"]


def test_a_task_can_be_made_seen_and_cancelled_from_the_shell(product: Product) -> None:
    made = json.loads(product.command("task", "create", "Draft the summary", "--needs", "none-has-it", "--json").stdout)
    blocked = json.loads(
        product.command("task", "create", "--title", "Publish", "--blocked-by", made["ref"], "--json").stdout
    )
    assert blocked["blockers"][0]["ref"] == made["ref"]
    assert "ready (blocked)" in product.command("task", "show", blocked["ref"]).stdout
    assert made["ref"] in product.command("task", "list").stdout
    said = product.command("task", "cancel", made["ref"], "--reason", "only a test").stdout
    assert said == f"{made['ref']} is cancelled.\n"


def test_what_the_rules_forbid_ends_with_four_and_the_reason(product: Product) -> None:
    refused = product.command("task", "approve", "T-999999", check=False)
    assert refused.returncode == 4
    assert refused.stderr.startswith("Refused (404): ")


def test_a_sign_in_link_leads_to_this_board(product: Product) -> None:
    link = product.command("sign-in-link").stdout.strip()
    assert link.startswith(f"{product.web_url}/sign-in/")
    assert link != product.sign_in_url


def test_ctrl_c_stops_every_child_within_ten_seconds_and_the_next_start_goes_on(
    tmp_path: Path, free_port_offset: int
) -> None:
    home = tmp_path / "home"
    with start_product(home, free_port_offset) as product:
        key = product.admin_key
        children = identities(product.run_file)
        began = time.monotonic()
        product.process.send_signal(signal.SIGINT)
        assert product.process.wait(12) == 0
        assert time.monotonic() - began < 10
        assert {name for name, child in children.items() if child.is_alive()} == set()
        assert not (home / "run.json").exists()
        assert "killed" not in product.console.read_text(encoding="utf-8")
    with start_product(home, free_port_offset) as product:
        assert product.admin_key == key


def test_a_killed_supervisor_takes_its_children_along_and_the_next_start_works(
    tmp_path: Path, free_port_offset: int
) -> None:
    home = tmp_path / "home"
    with start_product(home, free_port_offset) as product:
        children = identities(product.run_file)
        product.process.kill()
        product.process.wait(5)
        with start_product(home, free_port_offset) as second:
            assert {name for name, child in children.items() if child.is_alive()} == set()
            assert second.command("doctor").returncode == 0


def test_tasks_come_back_from_the_control_database_when_the_engines_file_is_of_another_version(
    tmp_path: Path, free_port_offset: int
) -> None:
    home = tmp_path / "home"
    with start_product(home, free_port_offset) as product:
        ref = json.loads(product.command("task", "create", "Outlive the engine", "--backlog", "--json").stdout)["ref"]
    (home / "temporal.version").write_text("1.31.2\n", encoding="utf-8")
    with start_product(home, free_port_offset) as product:
        assert list(home.glob("temporal.sqlite.1.31.2.*"))
        assert product.command("task", "cancel", ref).stdout == f"{ref} is cancelled.\n"
    assert not (home / "temporal.reimport").exists()


@pytest.mark.parametrize("name", ["web", "proxy", "recorder", "workers", "temporal"])
def test_a_killed_child_is_back_in_the_run_file_and_told_on_the_console(survivor: Product, name: str) -> None:
    killed = survivor.kill(name)
    assert wait_until(lambda: survivor.run_file[name]["pid"] != killed, 30)
    assert wait_until(lambda: survivor.command("doctor", check=False).returncode == 0, 30)
    assert f"{name} (pid {killed}) died of SIGKILL" in survivor.console.read_text(encoding="utf-8")
    assert birth_of(killed) == ""


@pytest.fixture(scope="module")
def survivor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A product of this file's own, because its children are killed."""
    with start_product(
        tmp_path_factory.mktemp("survivor") / "home", find_free_offset(Random(os.urandom(8)))
    ) as running:
        yield running


def test_a_taken_port_is_named_with_its_owner_and_the_way_out(tmp_path: Path, free_port_offset: int) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 8787 + free_port_offset))
        squatter.listen()
        refused = subprocess.run(
            pointsman("up"),
            env=product_environment(tmp_path / "home", free_port_offset),
            capture_output=True,
            text=True,
            timeout=30,
        )
    assert refused.returncode == 1
    sentence = refused.stdout.splitlines()[-1]
    assert sentence.startswith(f"Port {8787 + free_port_offset} (gateway) is taken")
    assert "POINTSMAN_PORT_OFFSET" in sentence
    assert f"pid {os.getpid()}" in sentence
