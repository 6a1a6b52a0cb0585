"""What the demonstration remembers between two starts."""

from pathlib import Path

from controlplane.demo.memory import Memory
from controlplane.settings import Home


def test_it_remembers_its_keys_and_tasks_privately(tmp_path: Path):
    memory = Memory("w_1", {"qa": "pm_agent_x"}, {"sales": "t_1"})
    memory.keep(Home(tmp_path))
    assert Memory.recall(Home(tmp_path), "w_1") == memory
    assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600


def test_another_workspace_is_another_story(tmp_path: Path):
    Memory("w_1", {"qa": "pm_agent_x"}, {"sales": "t_1"}).keep(Home(tmp_path))
    assert Memory.recall(Home(tmp_path), "w_2") == Memory("w_2")


def test_a_file_that_cannot_be_understood_is_forgotten(tmp_path: Path):
    (tmp_path / "demo.json").write_text("{", encoding="utf-8")
    assert Memory.recall(Home(tmp_path), "w_1") == Memory("w_1")


def test_a_task_that_is_not_ours_has_no_chapter():
    memory = Memory("w_1", tasks={"sales": "t_1"})
    assert (memory.chapter_of("t_1"), memory.chapter_of("t_2")) == ("sales", None)
