"""`run.json`: what runs, where, since when. Scripts, tests and `pointsman doctor` read it; it holds no secret.

Written when everything answers, rewritten when a child was started anew, removed by a clean stop. What a killed
supervisor leaves behind names processes that may have outlived it: the next `up` ends them by pid *and* birth.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controlplane.supervisor.files import write_atomically
from controlplane.supervisor.process import ProcessIdentity


@dataclass(frozen=True, slots=True)
class Running:
    """One process as the run file tells of it."""

    identity: ProcessIdentity
    started_at: str  # ISO 8601, UTC
    place: Mapping[str, str | None]  # {"url": …}, Temporal: {"address": …, "ui": …}

    def render(self) -> dict[str, Any]:
        return {**self.place, "pid": self.identity.pid, "started_at": self.started_at, "birth": self.identity.birth}


def write_run_file(
    path: Path, version: str, processes: Mapping[str, Running], elsewhere: Mapping[str, Mapping[str, str | None]]
) -> None:
    """Replaces the file in one step: a reader sees the old one or the new one. `elsewhere`: what is not our child."""
    rendered = {name: running.render() for name, running in processes.items()}
    content = {"version": version, **elsewhere, **rendered}
    write_atomically(path, json.dumps(content, indent=2) + "\n")


def read_run_file(path: Path) -> dict[str, Any]:
    """The file's content; empty when there is none or it cannot be understood."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def identities(content: Mapping[str, Any]) -> dict[str, ProcessIdentity]:
    """The processes that a run file names."""
    return {
        name: ProcessIdentity(entry["pid"], str(entry["birth"]))
        for name, entry in content.items()
        if isinstance(entry, dict) and isinstance(entry.get("pid"), int) and entry.get("birth")
    }
