"""The words that agents, the API and the gateway share on the wire.

Standard library only, so that every room may import it: the server speaks to the SDK with these names and the two
cannot drift. Ids say whose they are by their prefix; keys carry a checksum so that a mistyped one is refused without a
lookup.
"""

import base64
import hashlib
import hmac
import os
import re
import time
import zlib
from enum import StrEnum
from typing import Final

API_PREFIX: Final = "/api/v1"

# Headers of an agent's call.
TASK_HEADER: Final = "x-pointsman-task"  # task id or number (T-12): attributes a call made with an agent key
SUBAGENT_HEADER: Final = "x-pointsman-subagent"  # which of the caller's own agents asks: its calls stand apart
EPOCH_HEADER: Final = "x-pointsman-epoch"  # the lease's fencing token; every mutating call of a run carries it
IDEMPOTENCY_HEADER: Final = "idempotency-key"
REQUEST_ID_HEADER: Final = "x-request-id"
SIMULATED_HEADER: Final = "x-pointsman-simulated"  # "true" on every answer of the simulated provider
UPLOAD_OFFSET_HEADER: Final = "upload-offset"  # where a part of a file begins, and where the next one is to begin
COST_HEADER: Final = "x-pointsman-cost-nano-usd"  # on answers whose cost is known before their first byte


class IdPrefix(StrEnum):
    """What an id names, readable in every log line."""

    WORKSPACE = "w"
    PROJECT = "p"
    TASK = "t"
    RUN = "r"
    AGENT = "a"
    USER = "u"
    KEY = "k"
    CALL = "c"
    COMMAND = "cmd"
    COMMENT = "cm"
    QUESTION = "q"
    NOTICE = "n"
    REQUEST = "req"


class KeyKind(StrEnum):
    """Who holds a key: a person's script, a registered agent, or one run of one task."""

    ADMIN = "admin"
    AGENT = "agent"
    RUN = "run"


class ErrorCode(StrEnum):
    """Stable codes of our own errors; documented, never renamed."""

    INVALID_REQUEST = "invalid_request"
    INVALID_KEY = "invalid_key"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    REQUEST_TOO_LARGE = "request_too_large"
    ILLEGAL_TRANSITION = "illegal_transition"
    DEPENDENCY_CYCLE = "dependency_cycle"
    TASK_BLOCKED = "task_blocked"
    TASK_HELD = "task_held"
    REVISION_MISMATCH = "revision_mismatch"
    LEASE_LOST = "lease_lost"
    RUN_REVOKED = "run_revoked"
    RUN_PAUSED = "run_paused"
    POLICY_STALE = "policy_stale"
    IDEMPOTENCY_MISMATCH = "idempotency_mismatch"
    UPLOAD_OFFSET_MISMATCH = "upload_offset_mismatch"
    CHECKSUM_MISMATCH = "checksum_mismatch"
    TOO_MANY_UPLOADS = "too_many_uploads"
    UNKNOWN_MODEL = "unknown_model"
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_CUT = "upstream_cut"
    UPSTREAM_ERROR = "upstream_error"
    ENGINE_UNAVAILABLE = "engine_unavailable"
    INTERNAL = "internal"


_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # https://github.com/ulid/spec, no I L O U
_BASE62: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def new_id(prefix: IdPrefix, milliseconds: int | None = None) -> str:
    """A fresh id such as `t_01JD…`: sortable by time, 80 random bits, safe in a URL and as a workflow id."""
    moment = int(time.time() * 1000) if milliseconds is None else milliseconds
    number = (moment << 80) | int.from_bytes(os.urandom(10), "big")
    return f"{prefix}_" + "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))


def digest(key: str) -> str:
    """The stored form of a key: SHA-256 in hex. Fast on purpose: a key has 256 random bits and needs no slow hash."""
    return hashlib.sha256(key.encode()).hexdigest()


def _base62(raw: bytes, width: int) -> str:
    number, out = int.from_bytes(raw, "big"), ""
    while number:
        number, rest = divmod(number, 62)
        out = _BASE62[rest] + out
    return out.rjust(width, "0")


def _with_checksum(body: str) -> str:
    return body + _base62(zlib.crc32(body.encode()).to_bytes(4, "big"), 6)


def new_key(kind: KeyKind, secret: bytes | None = None) -> str:
    """A secret key `pm_<kind>_<43 base62><6 checksum>`, fresh unless its 32 bytes are given. Its `digest` is stored."""
    return _with_checksum(f"pm_{kind}_{_base62(secret or os.urandom(32), 43)}")


def derive_run_key(master_key: bytes, run_id: str, epoch: int) -> str:
    """The key of one run at one epoch: `pm_run_<run>_<epoch>_<HMAC><checksum>`, never stored, always derived.

    A new epoch gives a new key, so that the old one is dead at the gateway without a list of dead keys.
    """
    mac = hmac.new(master_key, f"{run_id}|{epoch}".encode(), hashlib.sha256).digest()
    return _with_checksum(f"pm_run_{run_id}_{epoch}_{_base62(mac, 43)}")


_KEY = re.compile(r"pm_(admin|agent|run)_[0-9A-Za-z_]{43,}")


def parse_key_kind(key: str) -> KeyKind | None:
    """The kind of a well-formed key, or None when its shape or checksum is wrong (a typing error, not an attack)."""
    match = _KEY.fullmatch(key)
    if match is None or _with_checksum(key[:-6]) != key:
        return None
    return KeyKind(match[1])


def parse_run_key(key: str) -> tuple[str, int] | None:
    """Run id and epoch that a run key claims (not proof: only its digest or HMAC is)."""
    if parse_key_kind(key) is not KeyKind.RUN:
        return None
    _, _, rest = key.split("_", 2)
    run_id, epoch, _ = rest.rsplit("_", 2)
    return (run_id, int(epoch)) if epoch.isdigit() else None


def trace_id_of_run(run_id: str) -> str:
    """The OpenTelemetry trace of a run, 32 hex digits: derived, so that every process names the same trace unasked."""
    return hashlib.sha256(f"trace|{run_id}".encode()).hexdigest()[:32]


def basic_token(authorization: str) -> str | None:
    """The key in an `Authorization` header, from `Bearer KEY` or `Basic base64(any:KEY)`."""
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip() or None
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().rpartition(":")[2] or None
        except ValueError:
            return None
    return None
