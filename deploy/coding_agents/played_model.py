"""A provider on loopback whose model is played: it calls a tool that writes a file, reads the result, and says so.

Speaks OpenAI's chat completions, Anthropic's messages and Gemini's API, whole and streamed: which one is said by the
path. Which tool is called, and with what, is found in the tools that the request offers. State is in memory only.
"""

import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import wire_forms
from wire_forms import Conversation

FILE_NAME, CONTENT = "hello.txt", "hello from a foreign model\n"
LAST_WORDS = f"{FILE_NAME} is written."
ERRAND = f"Create the file {FILE_NAME} in this folder."
# Tools of known programs, the plainest first. Those that take a command get one for a shell.
WRITERS = ("Write", "write_file", "write", "shell_command", "exec_command", "shell", "bash", "run_shell_command")
HELPERS_ERRAND = f"Write {FILE_NAME} and report."
# Tools that start an agent of its own, and what they are to be told beside what they need.
HELPERS = {
    "Agent": {"subagent_type": "general-purpose"},
    "Task": {"subagent_type": "general-purpose"},
    "task": {"subagent_type": "general"},
    "spawn_agent": {"message": HELPERS_ERRAND},
}
WAITER = "wait_agent"  # Codex's helpers run beside, until they are waited for

_AGENT_ID = re.compile(r"agent_id\W+([\w-]{8,})")


@dataclass
class PlayedModel:
    """Plays one session. `uses_helper`: the first conversation hands the errand on to a helper, if it may."""

    folder: Path
    uses_helper: bool = False
    port: int = 0
    asked: list[tuple[str, dict[str, str], Conversation]] = field(default_factory=list)

    @property
    def called(self) -> list[str]:
        """The tools whose results came back, each once."""
        return list(dict.fromkeys(name for _, _, asked in self.asked for name in asked.answered))

    def reply(self, asked: Conversation) -> tuple[str, dict[str, Any]] | str:
        """A call of a tool, or the last words."""
        answered = {name.rpartition("__")[2] for name in asked.answered}
        waiter, spawned = _first([WAITER], asked), _AGENT_ID.search(asked.said)
        if "spawn_agent" in answered and WAITER not in answered and waiter and spawned:
            return waiter, {"targets": [spawned[1]], "timeout_ms": 30_000}
        if answered.intersection([*WRITERS, *HELPERS]):
            return LAST_WORDS
        if self.uses_helper and ERRAND in asked.said and (helper := _first(HELPERS, asked)):
            beside = HELPERS[helper.rpartition("__")[2]]
            return helper, {**fill(asked.tools[helper], _helper_value), **beside}
        writer = _first(WRITERS, asked)
        return (writer, fill(asked.tools[writer], self._value)) if writer else "Hello"

    def _value(self, name: str, schema: dict[str, Any]) -> Any:
        path, lower = self.folder / FILE_NAME, name.lower()
        if "path" in lower and "work" not in lower:
            return str(path)
        if lower in {"content", "contents", "text"}:
            return CONTENT
        if lower in {"command", "cmd"}:
            line = f"printf '{CONTENT.strip()}\\n' > '{path}'"
            return ["bash", "-c", line] if schema.get("type") == "array" else line
        return _anything(schema, "writes the file")


def _helper_value(name: str, schema: dict[str, Any]) -> Any:
    return HELPERS_ERRAND if name == "prompt" else _anything(schema, "write a file")


def fill(schema: dict[str, Any], value: Any) -> dict[str, Any]:
    """Arguments for the members that a tool needs, and no helper in the background: its report is waited for."""
    members, needed = schema.get("properties", {}), {*schema.get("required", ()), "run_in_background"}
    return {name: value(name, members[name]) for name in members if name in needed}


def _anything(schema: dict[str, Any], text: str) -> Any:
    if schema.get("enum"):
        return schema["enum"][0]
    return {"boolean": False, "integer": 1, "number": 1, "array": [], "object": {}}.get(schema.get("type", ""), text)


def _first(names: Iterable[str], asked: Conversation) -> str | None:
    """The first of these tools that is offered, also where it stands in a namespace."""
    offered = {name.rpartition("__")[2]: name for name in asked.tools}
    return next((offered[name] for name in names if name in offered), None)


@contextmanager
def served(model: PlayedModel) -> Iterator[PlayedModel]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"model": model}))
    server.daemon_threads = True
    model.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.1,), name="played-model")
    thread.start()
    try:
        yield model
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    model: PlayedModel
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        form = wire_forms.find(self.path)
        asked = form.read(body)
        self.model.asked.append((self.path, dict(self.headers.items()), asked))
        is_stream = body.get("stream") is True or "streamGenerateContent" in self.path
        answer = form.answer(self.model.reply(asked), is_stream)
        self.send_response(200)
        self.send_header("content-type", "text/event-stream" if is_stream else "application/json")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        """Nothing is printed."""
