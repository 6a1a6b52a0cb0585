"""The coding agents: how each is pointed to the gateway and told its errand without a person.

Every one keeps its own tools, prompts and wire format; only address, key and model are said. Each runs in a home of its
own, so that nothing of the user's settings is read or changed.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Asking:
    """What a program is started with."""

    url: str  # of the gateway, without a path
    key: str
    model: str
    home: Path
    folder: Path
    errand: str


@dataclass(frozen=True)
class Program:
    name: str
    package: str
    command: str
    dialect: str  # that it speaks
    foreign: str  # that the provider speaks
    model: str  # of the provider
    arguments: Callable[[Asking], list[str]]
    environment: Callable[[Asking], Mapping[str, str]]
    prepare: Callable[[Asking], None] = field(default=lambda _: None)
    uses_helper: bool = False  # it can hand an errand on to an agent of its own


def _codex_settings(asking: Asking) -> None:
    folder = asking.home / ".codex"
    folder.mkdir()
    (folder / "config.toml").write_text(
        f"""model = "{asking.model}"
model_provider = "pointsman"
check_for_update_on_startup = false

[model_providers.pointsman]
name = "Pointsman"
base_url = "{asking.url}/v1"
env_key = "POINTSMAN_KEY"
wire_api = "responses"

[analytics]
enabled = false
""",
        "utf-8",
    )


def _gemini_settings(asking: Asking) -> None:
    folder = asking.home / ".gemini"
    folder.mkdir()
    settings = {
        "security": {"auth": {"selectedType": "gemini-api-key"}},
        "general": {"enableAutoUpdate": False},
        "privacy": {"usageStatisticsEnabled": False},
    }
    (folder / "settings.json").write_text(json.dumps(settings), "utf-8")


def _opencode_settings(asking: Asking) -> None:
    folder = asking.home / ".config" / "opencode"
    folder.mkdir(parents=True)
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "name": "Pointsman",
        "options": {"baseURL": f"{asking.url}/v1", "apiKey": "{env:POINTSMAN_KEY}"},
        "models": {asking.model: {"name": asking.model}},
    }
    settings = {"provider": {"pointsman": provider}, "model": f"pointsman/{asking.model}", "autoupdate": False}
    (folder / "opencode.json").write_text(json.dumps(settings), "utf-8")


PROGRAMS = (
    Program(
        "Claude Code", "@anthropic-ai/claude-code", "claude", "anthropic", "openai", "gpt-5-mini",
        lambda asking: ["-p", asking.errand, "--allowedTools", "Write,Agent,Task", "--permission-mode", "acceptEdits"],
        lambda asking: {
            "ANTHROPIC_BASE_URL": asking.url,
            "ANTHROPIC_AUTH_TOKEN": asking.key,
            "ANTHROPIC_MODEL": asking.model,
            "ANTHROPIC_DEFAULT_HAIKU_MODEL": asking.model,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        },
        uses_helper=True,
    ),
    Program(
        "Codex CLI", "@openai/codex", "codex", "responses", "anthropic", "claude-haiku-4-5",
        lambda asking: ["exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox", asking.errand],
        lambda asking: {"POINTSMAN_KEY": asking.key},
        _codex_settings,
        uses_helper=True,
    ),
    Program(
        "Gemini CLI", "@google/gemini-cli", "gemini", "gemini", "openai", "gpt-5-nano",
        lambda asking: ["-p", asking.errand, "--model", asking.model, "--yolo", "--skip-trust"],
        lambda asking: {"GOOGLE_GEMINI_BASE_URL": asking.url, "GEMINI_API_KEY": asking.key},
        _gemini_settings,
    ),
    Program(
        "opencode", "opencode-ai", "opencode", "openai", "gemini", "gemini-2.5-pro",
        lambda asking: ["run", asking.errand],
        lambda asking: {"POINTSMAN_KEY": asking.key, "OPENCODE_DISABLE_MODELS_FETCH": "1"},
        _opencode_settings,
        uses_helper=True,
    ),
)  # fmt: skip
