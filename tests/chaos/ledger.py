"""Every command that was accepted, written down by who gave it: what the activity must contain, once.

People's commands are kept in memory, agents' in a file of each agent. A line is one `write` to a file opened for
appending, so what an agent wrote before it was killed is there, whole.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Accepted:
    """A command with a 2xx answer. It is found in the task's activity by its mark, or by the run it was about.

    `mark` is a text that only this command carried; empty where its kind has no place for one, then the events of that
    kind are counted. `kind` is the event's.
    """

    kind: str
    task_id: str
    mark: str = ""
    run_id: str = ""
    by: str = "people"


@dataclass
class Ledger:
    """The commands of people, and the files of agents."""

    folder: Path
    entries: list[Accepted] = field(default_factory=list)

    def accept(self, entry: Accepted) -> None:
        self.entries.append(entry)

    def of_agents(self) -> list[Accepted]:
        """What agents wrote of commands."""
        return [Accepted(**line["accepted"]) for line in self._lines() if "accepted" in line]

    def notes(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """What agents wrote of anything else, with who it was."""
        for line in self._lines():
            if "note" in line:
                yield line["by"], line

    def _lines(self) -> Iterator[dict[str, Any]]:
        for path in sorted(self.folder.glob("*.jsonl")):
            for line in path.read_text(encoding="utf-8").splitlines():
                yield json.loads(line)


class Book:
    """An agent's own file."""

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._file = os.open(folder / f"{name}.jsonl", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def accept(self, kind: str, task_id: str, run_id: str, mark: str = "") -> None:
        self._write({"accepted": asdict(Accepted(kind, task_id, mark, run_id, self._name))})

    def note(self, what: str, **more: str) -> None:
        self._write({"note": what, "by": self._name, **more})

    def _write(self, line: dict[str, Any]) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
