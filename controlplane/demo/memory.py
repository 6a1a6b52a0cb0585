"""What the demonstration remembers between two starts: its keys, and which task is which chapter.

`demo.json` in the home, mode 0600. A home that was emptied has another workspace, and the memory is then forgotten.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self

from controlplane.settings import Home


@dataclass(slots=True)
class Memory:
    """Keys by agent's name (and `reviewer`), task ids by chapter."""

    workspace_id: str
    keys: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, str] = field(default_factory=dict)

    @classmethod
    def recall(cls, home: Home, workspace_id: str) -> Self:
        """What the file says; nothing when there is none, or it speaks of another workspace."""
        try:
            remembered = cls(**json.loads(_path(home).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return cls(workspace_id)
        return remembered if remembered.workspace_id == workspace_id else cls(workspace_id)

    def keep(self, home: Home) -> None:
        """Writes it, whole or not at all."""
        path = _path(home)
        unfinished = path.with_suffix(".unfinished")
        unfinished.touch(0o600)
        unfinished.write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
        unfinished.replace(path)

    def chapter_of(self, task_id: str) -> str | None:
        """The chapter's slug; None for a task that is not ours."""
        return next((slug for slug, known in self.tasks.items() if known == task_id), None)


def _path(home: Home) -> Path:
    return home.root / "demo.json"
