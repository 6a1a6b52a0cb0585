"""Who is held, why, and who is told of it: in place, and within one look."""

import pytest

from controlplane.gateway.__main__ import fencing
from controlplane.gateway.policy import SqlPolicySource
from controlplane.settings import read_settings
from proxy.config import ConfigError
from proxy.fence import Fencing
from proxy.ports import Principal
from tests.unit.controlplane.gateway.office import Office


def holder(source: SqlPolicySource, name: str) -> Principal:
    return source.current().principals[f"digest of {name}"]


@pytest.fixture
def source(office: Office) -> SqlPolicySource:
    """Of a live run and its agent's key."""
    office.make_task()
    office.make_key()
    office.start_run()
    return office.policy()


def test_a_paused_run_is_held_with_the_kinds_of_its_holds_and_stays_its_agents_run(
    office: Office, source: SqlPolicySource
) -> None:
    office.control.execute('UPDATE tasks SET holds = \'["operator", "budget"]\'')
    office.set_state("r_1", "paused")
    source.look()

    run = holder(source, "r_1")
    assert (run.state, run.reason, run.is_frozen) == ("held", "its run is paused (operator, budget)", False)
    assert source.current().live_runs["a_1"] == (run,)
    assert source.current().task_numbers["T-12"] == "t_1"
    assert holder(source, "k_1").state == "live"

    office.set_state("r_1", "running")
    source.look()
    assert holder(source, "r_1").state == "live"


@pytest.mark.parametrize(
    ("scope", "subject_id", "is_key_held", "words"),
    [
        ("task", "t_1", False, "its task is frozen by Ada (loops)"),
        ("agent", "a_1", True, "its agent is frozen by Ada (loops)"),
        ("workspace", "w", True, "everything is frozen by Ada (loops)"),
    ],
)
def test_a_freeze_holds_runs_and_keys_and_a_thaw_lets_them_go(
    office: Office, source: SqlPolicySource, scope: str, subject_id: str, is_key_held: bool, words: str
) -> None:
    office.freeze(scope, subject_id, "loops")
    source.look()
    run, key = holder(source, "r_1"), holder(source, "k_1")
    assert (run.state, run.is_frozen, run.reason) == ("held", True, words)
    assert (key.state == "held", key.is_frozen) == (is_key_held, is_key_held)
    assert holder(office.policy(), "r_1") == run  # known from the start, too

    office.thaw(scope, subject_id)
    source.look()
    assert {holder(source, name).state for name in ("r_1", "k_1")} == {"live"}


def test_a_freeze_of_somebody_else_changes_nothing(office: Office, source: SqlPolicySource) -> None:
    before = holder(source, "r_1"), holder(source, "k_1")
    for scope, subject_id in (("task", "t_2"), ("agent", "a_2"), ("workspace", "w_2")):
        office.freeze(scope, subject_id)
    source.look()
    after = holder(source, "r_1"), holder(source, "k_1")
    assert all(old is new for old, new in zip(before, after, strict=True))


def test_a_run_claimed_while_its_workspace_is_frozen_is_held(office: Office, source: SqlPolicySource) -> None:
    office.freeze("workspace", "w")
    office.start_run("r_2", task_id="t_2", task_number=13)
    source.look()
    assert holder(source, "r_2").is_frozen


def test_a_frozen_run_that_ends_is_revoked(office: Office, source: SqlPolicySource) -> None:
    office.freeze("task", "t_1")
    source.look()
    office.end_run("r_1", "cancelled")
    source.look()
    run = holder(source, "r_1")
    assert (run.state, run.is_frozen, run.reason) == ("revoked", False, "it was cancelled")


def test_a_tree_is_frozen_by_its_rows_though_only_its_root_is_told(office: Office, source: SqlPolicySource) -> None:
    office.freeze("task", "t_1")
    office.control.execute("DELETE FROM outbox WHERE topic = 'freeze'")
    office.tell("freeze", "t_root")
    source.look()
    assert holder(source, "r_1").is_frozen


@pytest.mark.parametrize(
    ("state", "is_blocked", "is_waiting"),
    [
        ("running", False, False),
        ("waiting_input", False, True),
        ("waiting_approval", False, True),
        ("paused", False, True),
        ("running", True, True),
        ("submitted", True, False),
    ],
)
def test_a_run_waits_for_a_person_or_for_another_task(
    office: Office, source: SqlPolicySource, state: str, is_blocked: bool, is_waiting: bool
) -> None:
    office.control.execute("UPDATE tasks SET is_blocked = ?", (is_blocked,))
    office.set_state("r_1", state)
    source.look()
    assert holder(source, "r_1").is_waiting is is_waiting


def test_a_task_that_becomes_blocked_makes_its_run_wait_without_a_word_about_the_run(
    office: Office, source: SqlPolicySource
) -> None:
    office.control.execute("UPDATE tasks SET is_blocked = 1")
    office.tell("task", "t_1")
    source.look()
    assert holder(source, "r_1").is_waiting


def test_followers_are_told_whose_standing_changed_and_only_then(office: Office, source: SqlPolicySource) -> None:
    told: list[set[str]] = []
    source.follow(lambda names: told.append(set(names)))

    office.tell("run", "r_1")
    office.tell("key", "k_1")
    office.tell("task", "t_1")
    source.look()
    assert told == []

    office.set_state("r_1", "paused")
    source.look()
    office.freeze("agent", "a_1")
    source.look()
    office.control.execute("UPDATE keys SET revoked_at_ms = 1")
    office.tell("key", "k_1")
    source.look()
    office.control.execute("UPDATE runs SET epoch = 2, key_digest = 'newer'")
    office.tell("run", "r_1")
    source.look()
    assert told == [{"r_1"}, {"r_1", "k_1"}, {"k_1"}, {"r_1"}]


def test_a_frozen_workspace_holds_peoples_keys_too(office: Office, source: SqlPolicySource) -> None:
    office.make_key("k_2", kind="admin", agent_id=None)
    office.freeze("workspace", "w")
    source.look()
    assert holder(source, "k_2").is_frozen


@pytest.mark.parametrize("variable", ["POINTSMAN_REVOKED_STREAMS", "POINTSMAN_FREEZE_STREAMS"])
def test_streams_are_cut_unless_the_environment_says_finish_and_other_words_are_refused(variable: str) -> None:
    assert fencing(read_settings({})) == Fencing("cut", "cut", park_seconds=590)
    finishing = fencing(read_settings({variable: "finish"}))
    assert sorted((finishing.revoked_streams, finishing.frozen_streams)) == ["cut", "finish"]
    with pytest.raises(ConfigError, match=f"{variable} is cut or finish, not 'maybe'"):
        fencing(read_settings({variable: "maybe"}))
