"""What a process of Pointsman is told by its environment, and where it keeps things.

Read once at the start of a process and handed down; nobody else looks at the environment. All names begin with
`POINTSMAN_`, but for those that have a name of their own in the field (`TEMPORAL_ADDRESS`, `OTEL_…`, `OPENAI_API_KEY`).
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

WEB_PORT = 8080
PROXY_PORT = 8787
TEMPORAL_PORT = 7233
TEMPORAL_UI_PORT = 8233
SIMULATED_PORT = 8790
LARGEST_OFFSET = 65_535 - SIMULATED_PORT

LEASE_TTL_SECONDS = 60.0
LEASE_GRACE_SECONDS = 30.0
BEAT_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds everything Pointsman keeps on this machine (`POINTSMAN_HOME`, default `.pointsman`)."""

    root: Path

    @property
    def control_database(self) -> Path:
        return self.root / "control.sqlite"

    @property
    def calls_database(self) -> Path:
        return self.root / "calls.sqlite"

    @property
    def temporal_database(self) -> Path:
        return self.root / "temporal.sqlite"

    @property
    def spool(self) -> Path:
        return self.root / "spool"

    @property
    def answers(self) -> Path:
        return self.root / "answers"

    @property
    def blobs(self) -> Path:
        return self.root / "blobs"

    @property
    def uploads(self) -> Path:
        """Files that have not arrived in full."""
        return self.root / "uploads"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run_file(self) -> Path:
        """`run.json`: what runs, where, since when. Written when everything answers; holds no secret."""
        return self.root / "run.json"

    @property
    def admin_key_file(self) -> Path:
        return self.root / "admin-key"

    @property
    def master_key_file(self) -> Path:
        """32 random bytes in hex, mode 0600: run keys are derived from it."""
        return self.root / "master-key"


@dataclass(frozen=True, slots=True)
class Settings:
    """One process's settings."""

    home: Home
    host: str = "127.0.0.1"
    port_offset: int = 0
    web_address: str = ""  # how others reach the board, where that is not host and port (a container, a reverse proxy)
    proxy_address: str = ""  # the same for the gateway
    control_url: str = ""  # SQLAlchemy URL; empty: SQLite in `home`
    calls_url: str = ""
    temporal_address: str = ""  # empty: the embedded server at its port
    temporal_namespace: str = "default"
    config_file: Path = Path("pointsman.yaml")
    otlp_endpoint: str = ""
    lease_ttl_seconds: float = LEASE_TTL_SECONDS
    lease_grace_seconds: float = LEASE_GRACE_SECONDS
    beat_seconds: float = BEAT_SECONDS
    silence_seconds: float = 180.0  # a working run without call, progress or output for so long is stuck
    repeats_until_stuck: int = 3  # the same call with the same answer, so often in a row
    review_patience_seconds: float = 86_400.0  # a review that waits for longer is escalated to the admins
    body_policy: str = "full"
    body_days: int = 7
    max_file_mb: float = 100.0  # MiB: the largest file an agent may hand in
    is_demo: bool = False
    revoked_streams: str = "cut"  # or finish: what becomes of a stream whose run is revoked
    freeze_streams: str = "cut"  # or finish: the same for one that is frozen
    park_seconds: float = 590.0  # so long a call of a held run waits at the gateway; the vendors' SDKs give up at 600

    @property
    def web_port(self) -> int:
        return WEB_PORT + self.port_offset

    @property
    def proxy_port(self) -> int:
        return PROXY_PORT + self.port_offset

    @property
    def temporal_port(self) -> int:
        return TEMPORAL_PORT + self.port_offset

    @property
    def simulated_port(self) -> int:
        return SIMULATED_PORT + self.port_offset

    @property
    def web_url(self) -> str:
        return self.web_address or f"http://{self._reachable_host}:{self.web_port}"

    @property
    def proxy_url(self) -> str:
        return self.proxy_address or f"http://{self._reachable_host}:{self.proxy_port}"

    @property
    def _reachable_host(self) -> str:
        """Where this machine finds what is bound to `host`: nobody can connect to 0.0.0.0."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"[{host}]" if ":" in host else host

    @property
    def simulated_url(self) -> str:
        return f"http://127.0.0.1:{self.simulated_port}"

    @property
    def engine_address(self) -> str:
        return self.temporal_address or f"127.0.0.1:{self.temporal_port}"

    @property
    def max_file_bytes(self) -> int:
        return int(self.max_file_mb * 1024 * 1024)

    @property
    def control_database_url(self) -> str:
        return self.control_url or f"sqlite+aiosqlite:///{self.home.control_database}"

    @property
    def calls_database_url(self) -> str:
        return self.calls_url or f"sqlite+aiosqlite:///{self.home.calls_database}"


def read_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings from the environment. A value that makes no sense raises ValueError with the variable's name."""
    env = os.environ if environment is None else environment
    return Settings(
        home=Home(Path(env.get("POINTSMAN_HOME") or ".pointsman").resolve()),
        host=env.get("POINTSMAN_HOST") or "127.0.0.1",
        port_offset=checked_offset(int(_number(env, "POINTSMAN_PORT_OFFSET", 0))),
        web_address=env.get("POINTSMAN_WEB_URL", "").rstrip("/"),
        proxy_address=env.get("POINTSMAN_PROXY_URL", "").rstrip("/"),
        control_url=env.get("POINTSMAN_CONTROL_URL", ""),
        calls_url=env.get("POINTSMAN_CALLS_URL", ""),
        temporal_address=env.get("TEMPORAL_ADDRESS", ""),
        temporal_namespace=env.get("TEMPORAL_NAMESPACE") or "default",
        config_file=Path(env.get("POINTSMAN_CONFIG") or "pointsman.yaml"),
        otlp_endpoint=env.get("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        lease_ttl_seconds=_number(env, "POINTSMAN_LEASE_TTL_SECONDS", LEASE_TTL_SECONDS),
        lease_grace_seconds=_number(env, "POINTSMAN_LEASE_GRACE_SECONDS", LEASE_GRACE_SECONDS),
        beat_seconds=_number(env, "POINTSMAN_BEAT_SECONDS", BEAT_SECONDS),
        silence_seconds=_number(env, "POINTSMAN_SILENCE_SECONDS", 180.0),
        repeats_until_stuck=int(_number(env, "POINTSMAN_REPEATS_UNTIL_STUCK", 3)),
        review_patience_seconds=_number(env, "POINTSMAN_REVIEW_PATIENCE_SECONDS", 86_400.0),
        body_policy=env.get("POINTSMAN_BODY_POLICY") or "full",
        body_days=int(_number(env, "POINTSMAN_BODY_DAYS", 7)),
        max_file_mb=_number(env, "POINTSMAN_MAX_FILE_MB", 100.0),
        is_demo=env.get("POINTSMAN_DEMO") == "1",
        revoked_streams=env.get("POINTSMAN_REVOKED_STREAMS") or "cut",
        freeze_streams=env.get("POINTSMAN_FREEZE_STREAMS") or "cut",
        park_seconds=_number(env, "POINTSMAN_PARK_SECONDS", 590.0),
    )


def checked_offset(offset: int) -> int:
    """An offset that leaves every port a port. Raises ValueError."""
    if not 0 <= offset <= LARGEST_OFFSET:
        raise ValueError(f"A port offset (POINTSMAN_PORT_OFFSET) must be from 0 to {LARGEST_OFFSET}, not {offset}")
    return offset


def _number(env: Mapping[str, str], name: str, default: float) -> float:
    text = env.get(name)
    if not text:
        return default
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{name} must be a number, not {text!r}") from None
