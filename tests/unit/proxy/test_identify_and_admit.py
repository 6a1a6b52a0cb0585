from dataclasses import replace

import pytest
from pointsman.contract import KeyKind, derive_run_key, digest, new_key

from proxy.errors import InvalidKey, RunRevoked
from proxy.ports import Policy, Principal
from proxy.stages.identify import Callers, identify

AGENT = Principal("k_1", KeyKind.AGENT, "w", agent_id="a_1")
FIRST = Principal("k_2", KeyKind.RUN, "w", agent_id="a_1", run_id="r_1", task_id="t_1", epoch=1)
SECOND = replace(FIRST, key_id="k_3", run_id="r_2", task_id="t_2", epoch=4)
ADMIN = Principal("k_4", KeyKind.ADMIN, "w")


def policy(*live: Principal, **changes: object) -> Policy:
    holders = {"agent": AGENT, "run": FIRST, "admin": ADMIN, "old": replace(FIRST, state="revoked", reason="cancelled")}
    return Policy(
        principals={digest(key): holder for key, holder in holders.items()},
        live_runs={"a_1": live},
        providers=(),
        tool_servers={},
        task_numbers={"T-2": "t_2"},
        **changes,  # type: ignore[arg-type]
    )


def who(key: str, known: Policy, task: str = "") -> tuple[str | None, str | None, str | None, int]:
    headers = {b"authorization": f"Bearer {key}".encode()}
    if task:
        headers[b"x-pointsman-task"] = task.encode()
    caller = identify(headers, known)
    return caller.agent_id, caller.run_id, caller.task_id, caller.epoch


@pytest.mark.parametrize(
    ("key", "live", "task", "expected"),
    [
        ("run", (), "", ("a_1", "r_1", "t_1", 1)),
        ("run", (SECOND,), "t_2", ("a_1", "r_1", "t_1", 1)),  # a run's key speaks for itself
        ("agent", (SECOND,), "", ("a_1", "r_2", "t_2", 4)),
        ("agent", (FIRST, SECOND), "", ("a_1", None, None, 0)),
        ("agent", (FIRST, SECOND), "T-2", ("a_1", "r_2", "t_2", 4)),
        ("agent", (FIRST, SECOND), "t_1", ("a_1", "r_1", "t_1", 1)),
        ("agent", (FIRST,), "t_of_somebody_else", ("a_1", None, None, 0)),
        ("agent", (), "", ("a_1", None, None, 0)),
        ("admin", (FIRST,), "", (None, None, None, 0)),
    ],
)
def test_a_call_is_put_down_to_its_run(
    key: str, live: tuple[Principal, ...], task: str, expected: tuple[str | None, str | None, str | None, int]
) -> None:
    assert who(key, policy(*live), task) == expected


def test_a_key_may_be_the_one_that_a_request_to_amazon_is_signed_with() -> None:
    callers, known = Callers(), policy()
    found = [
        callers.find(
            {b"authorization": f"AWS4-HMAC-SHA256 Credential={key}/day/r/s/aws4_request, Signature=1".encode()}, known
        )
        for key in ("run", "agent", "run")
    ]
    again = callers.find(
        {b"authorization": b"AWS4-HMAC-SHA256 Credential=run/day/r/s/aws4_request, Signature=2"}, known
    )

    assert [caller.principal for caller in found] == [FIRST, AGENT, FIRST]
    assert again is found[0]  # whatever its signature


def test_a_revoked_run_is_told_why() -> None:
    with pytest.raises(RunRevoked, match="cancelled"):
        who("old", policy())


def test_the_key_of_a_run_that_nobody_remembers_is_a_revoked_run() -> None:
    with pytest.raises(RunRevoked):
        who(derive_run_key(b"master", "r_01ABC", 2), policy())


@pytest.mark.parametrize(
    "key", ["", "sk-other", new_key(KeyKind.AGENT), "pm_run_x"], ids=["none", "foreign", "ours", "odd"]
)
def test_other_unknown_keys_are_invalid(key: str) -> None:
    with pytest.raises(InvalidKey):
        who(key, policy())


def test_without_keys_on_loopback_everybody_may_call() -> None:
    assert identify({}, policy(allow_anonymous=True)).principal.key_id == "anonymous"


def test_a_caller_never_shows_its_key() -> None:
    key = "secret-key-0123456789"
    known = replace(policy(), principals={digest(key): AGENT})
    assert key not in repr(identify({b"api-key": key.encode()}, known))


def test_a_remembered_key_is_asked_of_the_policy_each_time_even_when_that_changes_in_place() -> None:
    callers, holders, live = Callers(), {digest("run"): FIRST, digest("agent"): AGENT}, {"a_1": (FIRST,)}
    known = Policy(principals=holders, live_runs=live, providers=(), tool_servers={})
    run, agent = {b"authorization": b"Bearer run"}, {b"x-api-key": b"agent"}
    assert callers.find(run, known) == identify(run, known)
    assert callers.find(agent, known).run_id == "r_1"

    holders[digest("run")] = replace(FIRST, state="revoked")
    live["a_1"] = (SECOND,)
    with pytest.raises(RunRevoked):
        callers.find(run, known)
    assert callers.find(agent, known).run_id == "r_2"

    del holders[digest("agent")]
    with pytest.raises(InvalidKey):
        callers.find(agent, known)
