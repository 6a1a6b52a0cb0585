"""Identify: whose key this is, and which run of which task the call is put down to."""

from collections.abc import Mapping

import msgspec
from pointsman.contract import TASK_HEADER, KeyKind, basic_token, digest, parse_run_key

from proxy.call import Caller
from proxy.errors import InvalidKey, RunRevoked
from proxy.memo import keep
from proxy.ports import Policy, Principal

_TASK = TASK_HEADER.encode()
_SIGNATURE = b"AWS4-HMAC-SHA256 "
MOST_REMEMBERED = 10_000  # known keys; beside one a client may send whatever else it likes

_ANONYMOUS = Principal(key_id="anonymous", kind=KeyKind.ADMIN, workspace_id="local")


class _Known(msgspec.Struct, frozen=True):
    """What was said of a key the last time, and whose words these were."""

    key: str
    key_digest: str
    principal: Principal
    runs: tuple[Principal, ...]
    run: Principal
    caller: Caller


class Callers:
    """Identifies, and remembers which headers hold which known key: to hash it anew would cost more than to route.

    Only that. Whose key it is and which runs are live is asked of the policy each time, which may change in place.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[bytes | None, ...], _Known] = {}

    def find(self, headers: Mapping[bytes, bytes], policy: Policy) -> Caller:
        """See `identify`. The same caller is the same object, as long as policy says the same of it."""
        get = headers.get
        authorization = get(b"authorization")
        if authorization is not None and authorization.startswith(_SIGNATURE):
            authorization = _signer(authorization)  # the rest is another in each call
        said = (authorization, get(b"x-api-key"), get(b"x-goog-api-key"), get(b"api-key"))
        known = self._known.get(said)
        if known is None:
            key = present_key(headers)
            key_digest = digest(key)
        else:
            key, key_digest = known.key, known.key_digest
        principal = policy.principals.get(key_digest)
        if principal is None or principal.state == "revoked":
            principal = _holder(key, key_digest, policy)
        runs = _live_runs_of(principal, policy)
        run = _run_of(principal, runs, headers, policy)
        if known is not None and known.principal is principal and known.run is run and known.runs is runs:
            return known.caller
        caller = _attributed(principal, key, key_digest, runs, run)
        keep(self._known, said, _Known(key, key_digest, principal, runs, run, caller), MOST_REMEMBERED)
        return caller


def identify(headers: Mapping[bytes, bytes], policy: Policy) -> Caller:
    """The caller. Raises InvalidKey (401), or RunRevoked (403) for the key of a run that is no more.

    A run's key names run, task and agent. An agent's key gets them from the `x-pointsman-task` header, or from its only
    live run. What cannot be put down to a task goes through, visibly unattributed.
    """
    key = present_key(headers)
    key_digest = digest(key)
    principal = _holder(key, key_digest, policy)
    runs = _live_runs_of(principal, policy)
    return _attributed(principal, key, key_digest, runs, _run_of(principal, runs, headers, policy))


def present_key(headers: Mapping[bytes, bytes]) -> str:
    """The key in whichever header the client's library puts it, or ''.

    Amazon's libraries send an API key to addresses of https only. Elsewhere the key is their access key id, and the
    signature, with any secret, is nothing to us.
    """
    authorization = headers.get(b"authorization")
    if authorization:
        if authorization.startswith(_SIGNATURE):
            return _signer(authorization).decode("latin-1")
        return basic_token(authorization.decode("latin-1")) or ""
    get = headers.get
    return (get(b"x-api-key") or get(b"x-goog-api-key") or get(b"api-key") or b"").decode("latin-1")


def _signer(authorization: bytes) -> bytes:
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html (November 2026)."""
    return authorization.partition(b"Credential=")[2].partition(b"/")[0]


def _holder(key: str, key_digest: str, policy: Policy) -> Principal:
    principal = policy.principals.get(key_digest)
    if principal is None:
        if policy.allow_anonymous:
            return _ANONYMOUS
        raise _refusal(key)
    if principal.state == "revoked":
        raise RunRevoked(f"This key's run is over: {principal.reason or 'it was revoked'}. Claim the task again.")
    return principal


def _attributed(principal: Principal, key: str, key_digest: str, runs: tuple[Principal, ...], run: Principal) -> Caller:
    has_run = run.run_id is not None
    return Caller(
        principal=principal,
        key=key,
        key_digest=key_digest,
        agent_id=principal.agent_id or run.agent_id,
        run_id=run.run_id,
        task_id=run.task_id,
        epoch=run.epoch,
        hold=next((one for one in (principal, run) if one.state == "held"), None),
        is_waiting=run.is_waiting and (has_run or not runs),
    )


def _live_runs_of(principal: Principal, policy: Policy) -> tuple[Principal, ...]:
    """The runs that an agent's key may stand for."""
    return () if principal.kind is KeyKind.RUN else policy.live_runs.get(principal.agent_id or "", ())


def _run_of(
    principal: Principal, runs: tuple[Principal, ...], headers: Mapping[bytes, bytes], policy: Policy
) -> Principal:
    """The live run that a key stands for, or the principal itself: a run's, or one that has no run."""
    if principal.kind is KeyKind.RUN:
        return principal
    task = headers.get(_TASK)
    if task:
        name = task.decode("latin-1")
        task_id = policy.task_numbers.get(name, name)
        return next((run for run in runs if run.task_id == task_id), principal)
    return runs[0] if len(runs) == 1 else principal


def _refusal(key: str) -> InvalidKey | RunRevoked:
    if not key:
        return InvalidKey("No key. Send one as 'Authorization: Bearer pm_…' or 'x-api-key: pm_…'.")
    if _is_run_key(key):
        return RunRevoked("This key's run is over or was taken over by a newer one. Claim the task again.")
    return InvalidKey("This key is not known here. Check it for typing errors, or make one: pointsman keys create.")


def _is_run_key(key: str) -> bool:
    try:
        return parse_run_key(key) is not None
    except ValueError:  # 'pm_run_…' without a run in it
        return False
