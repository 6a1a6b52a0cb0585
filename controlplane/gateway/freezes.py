"""What is frozen by now, and in which words a caller is told."""

import sqlite3
from collections.abc import Mapping, Set

_FREEZES = "SELECT scope, subject_id, reason, actor_name FROM freezes"
_SUBJECTS: Mapping[str, str] = {"task": "its task", "agent": "its agent", "workspace": "everything"}


class Freezes:
    """The frozen workspaces, agents and tasks, each with its reason."""

    def __init__(self) -> None:
        self._reasons: dict[tuple[str, str], str] = {}

    def read(self, connection: sqlite3.Connection) -> Set[str]:
        """Reads them all: there are few, and a tree is told of by its root. The subjects for which it has changed."""
        before = self._reasons
        self._reasons = {
            (scope, subject_id): _words(scope, reason, actor)
            for scope, subject_id, reason, actor in connection.execute(_FREEZES)
        }
        return {subject_id for (_, subject_id), _ in before.items() ^ self._reasons.items()}

    def reason(self, workspace_id: str, agent_id: str | None, task_id: str | None) -> str | None:
        """Why this one is frozen: by the widest of its freezes. None when it is not."""
        if not self._reasons:
            return None
        subjects = (("workspace", workspace_id), ("agent", agent_id or ""), ("task", task_id or ""))
        return next((self._reasons[subject] for subject in subjects if subject in self._reasons), None)


def _words(scope: str, reason: str, actor: str) -> str:
    frozen = f"{_SUBJECTS.get(scope, 'it')} is frozen"
    by_whom = f"{frozen} by {actor}" if actor else frozen
    return f"{by_whom} ({reason})" if reason else by_whom
