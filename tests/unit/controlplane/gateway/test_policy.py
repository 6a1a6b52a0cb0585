import pytest
from pointsman.contract import KeyKind

from proxy.ports import Principal
from tests.unit.controlplane.gateway.office import DAY_MS, Office


def test_keys_and_live_runs_are_known_from_the_start(office: Office) -> None:
    office.make_key()
    office.start_run()

    policy = office.policy().current()

    run = Principal("r_1", KeyKind.RUN, "w", "a_1", "r_1", "t_1", 1)
    assert dict(policy.principals) == {
        "digest of k_1": Principal("k_1", KeyKind.AGENT, "w", "a_1", is_waiting=True),
        "digest of r_1": run,
    }
    assert dict(policy.live_runs) == {"a_1": (run,)}
    assert dict(policy.task_numbers) == {"T-12": "t_1"}


def test_a_run_claimed_a_moment_ago_is_known_before_the_next_look(office: Office) -> None:
    policy = office.policy().current()
    office.start_run()
    assert policy.principals["digest of r_1"].run_id == "r_1"


def test_an_agents_new_run_is_found_before_the_next_look(office: Office) -> None:
    office.start_run()
    office.end_run("r_1", "released")
    policy = office.policy().current()
    office.start_run("r_2", epoch=2)
    assert [run.run_id for run in policy.live_runs.get("a_1", ())] == ["r_2"]


@pytest.mark.parametrize(
    ("state", "reason", "said"),
    [
        ("lost", "", "it was lost, because nothing was heard of it for too long"),
        ("cancelled", "by Ada", "it was cancelled (by Ada)"),
        ("submitted", "", "it has handed in its work"),
    ],
)
def test_an_ended_run_is_revoked_at_the_next_look_and_says_why(
    office: Office, state: str, reason: str, said: str
) -> None:
    office.start_run()
    source = office.policy()
    office.end_run("r_1", state, reason)

    source.look()

    principal = source.current().principals["digest of r_1"]
    assert (principal.state, principal.reason) == ("revoked", said)
    assert dict(source.current().live_runs) == {}
    assert dict(source.current().task_numbers) == {}


def test_a_new_epoch_kills_the_old_key(office: Office) -> None:
    office.start_run()
    source = office.policy()
    office.control.execute("UPDATE runs SET epoch = 2, key_digest = 'newer' WHERE run_id = 'r_1'")
    office.tell("run", "r_1")
    source.look()
    assert source.current().principals.get("digest of r_1") is None
    assert source.current().principals["newer"].epoch == 2


def test_a_task_keeps_its_number_when_an_older_run_of_it_is_told_to_have_ended(office: Office) -> None:
    office.start_run()
    source = office.policy()
    office.start_run("r_2", epoch=2)
    source.look()
    office.end_run("r_1", "lost")
    source.look()
    assert dict(source.current().task_numbers) == {"T-12": "t_1"}


def test_a_revoked_key_is_unknown_at_the_next_look(office: Office) -> None:
    office.make_key()
    source = office.policy()
    office.control.execute("UPDATE keys SET revoked_at_ms = 5")
    office.tell("key", "k_1")
    source.look()
    assert dict(source.current().principals) == {}


def test_a_run_that_ended_a_day_ago_is_forgotten(office: Office) -> None:
    office.start_run()
    office.end_run("r_1", "submitted")
    source = office.policy()
    assert source.current().principals["digest of r_1"].state == "revoked"

    office.clock.ms += DAY_MS + 1

    source.sweep()
    assert dict(source.current().principals) == {}
    assert dict(office.policy().current().principals) == {}


def test_policy_grows_old_while_the_database_does_not_answer(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    source = office.policy()
    office.clock.ms += 40_000
    office.reading.close()
    source.look()
    source.look()
    assert source.age_seconds() == 40
    assert len(caplog.records) == 1


def test_a_look_keeps_policy_young_when_nothing_has_changed(office: Office) -> None:
    source = office.policy()
    office.clock.ms += 40_000
    source.look()
    assert source.age_seconds() == 0


def test_a_flood_of_changes_is_read_to_its_end(office: Office) -> None:
    source = office.policy()
    office.control.execute("BEGIN")
    for number in range(1300):
        office.tell("usage", f"t_{number}")
    office.start_run()
    office.control.execute("COMMIT")
    source.look()
    assert source.current().live_runs["a_1"][0].run_id == "r_1"
