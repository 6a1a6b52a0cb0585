"""The README's five lines, word for word, in a process of their own."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from pointsman.testing import FakePointsman

ROOT = Path(__file__).parent.parent.parent.parent


def five_lines() -> str:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"```python\n(from pointsman import Agent\n.*?)```", readme, re.DOTALL)
    return str(program)


def test_the_readmes_agent_works_and_ends_cleanly(server: FakePointsman, tmp_path: Path):
    program = tmp_path / "writer.py"
    program.write_text(five_lines(), encoding="utf-8")
    task = server.add_task("Haiku", "Write a haiku about a signal box.", ["draft"])
    environment = {
        **os.environ,
        "POINTSMAN_URL": server.url,
        "POINTSMAN_KEY": server.key,
        "PYTHONPATH": str(ROOT / "sdk"),
    }
    with subprocess.Popen(
        [sys.executable, program], env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as agent:
        try:
            server.wait_for(lambda: task.versions, 20)
            agent.send_signal(signal.SIGINT)
            output, _ = agent.communicate(timeout=10)
        finally:
            agent.kill()
    assert (agent.returncode, output) == (0, "")
    assert task.versions == ["An answer of the fake server."]
    assert server.model_calls[0]["messages"] == [{"role": "user", "content": "Write a haiku about a signal box."}]
