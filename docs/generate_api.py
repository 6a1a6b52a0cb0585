"""Prints the reference of the JSON API from what is served: `python docs/generate_api.py`. A test compares them."""

from pathlib import Path
from typing import Any

from controlplane.api.app import openapi_document
from controlplane.api.openapi import TAGS

PAGE = Path(__file__).parent / "reference" / "api.md"
HEAD = """# JSON API

Under `/api/v1`, with `Authorization: Bearer KEY`. This page is made from `GET /api/v1/openapi.json` (OpenAPI 3.1, with
an example of every body and answer) by `python docs/generate_api.py`.

- **Bodies are strict**: an unknown field is an error. Answers may grow fields.
- **Every mutation takes an `Idempotency-Key`**: a repeat with the same one is the same command and gets the same
  answer, for a day at least; with another body it is refused (422 `idempotency_mismatch`). A submit goes by its
  content alone.
- **`ETag` and `If-Match`**: a task's ETag is its `revision`. Sent as `If-Match: "7"`, a verb is done only when nothing
  has happened since (else 412 `revision_mismatch`); `*` and no header mean any.
- **Lists come in pages**: `limit` (1 to 200) and `cursor`, the `next_cursor` of the page before; null ends the list.
- Times are ISO 8601 in UTC, money is in nano-USD, a task is named by `T-12` or by its id.
- What is refused is a [problem](errors.md). What a task's state allows is the [state machine](state-machine.md)'s to
  say: 409 `illegal_transition`.

## Who may call what

| key | is for | may |
|---|---|---|
| admin | a person's script, the command line | everything but what a run says of itself |
| agent | one agent | read, make tasks, comment, add blockers, review where asked, speak for itself and its runs |
| run | one run of one task, while it lives | read its task, its parent, parts and blockers; comment; speak for itself |

Requests of a run carry its key, or its agent's key with `x-pointsman-epoch`. Who has a named seat in a review gives the
verdict on the board: an admin key is nobody's seat. In the tables the keys that are let in are **a**dmin, a**g**ent,
**r**un; `*` marks what must be said.
"""
TAIL = """
## The agent's channel

`GET /agents/me/channel` is a WebSocket (agent's key). It only makes things faster. Server to agent:
`{"type": "work_available"}`, `{"type": "lease_lost", "run_id"}`, `{"type": "stop", "run_id"}`,
`{"type": "directives", "run_id"}` (beat by HTTP to hear them), `{"type": "answer", "question_id"}`; agent to server:
`{"type": "beat", "run_id", "epoch", "progress"}`.

## Health

`GET /healthz` says that the process lives, `GET /readyz` that database and engine answer; both without a key, at the
root of board and gateway.
"""
TABLE = "| request | takes | answer | keys | what it does |\n|---|---|---|---|---|\n"
LETTERS = {"admin": "a", "agent": "g", "run": "r"}
OBJECTS = (
    "TaskView",
    "OfferView",
    "AgentView",
    "HandoffView",
    "DeliverableAnswer",
    "CallView",
    "TaskCostsView",
    "Problem",
)
COMMON = {"limit", "cursor", "idempotency-key", "if-match", "x-pointsman-epoch"}


def render_api() -> str:
    """The whole page."""
    document = openapi_document()
    sections = "".join(_section(document, tag) for tag in TAGS)
    objects = "\n## Objects\n\n" + "".join(_object(document, name) for name in OBJECTS)
    return HEAD + sections + objects + TAIL


def _section(document: dict[str, Any], tag: str) -> str:
    rows = [
        _row(document, method.upper(), path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if tag in operation["tags"]
    ]
    return f"\n## {tag.capitalize()}\n\n{TAGS[tag]}\n\n{TABLE}" + "".join(rows)


def _row(document: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> str:
    takes = "; ".join(filter(None, (_body(document, operation), _query(operation))))
    keys = " ".join(LETTERS[kind] for kind in operation["x-callers"])
    sentence = " ".join(operation["description"].split())
    return f"| `{method} {path}` | {takes} | {_answer(document, operation)} | {keys} | {sentence} |\n"


def _body(document: dict[str, Any], operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    parts = [
        _fields(document, media["schema"]) if kind == "application/json" else kind for kind, media in content.items()
    ]
    return ", or ".join(parts)


def _fields(document: dict[str, Any], schema: dict[str, Any]) -> str:
    name = next((one["$ref"] for one in (schema, *schema.get("anyOf", ())) if "$ref" in one), "").rpartition("/")[2]
    found = document["components"]["schemas"][name]
    required = found.get("required", ())
    return ", ".join(f"`{field}`{'*' if field in required else ''}" for field in found["properties"])


def _query(operation: dict[str, Any]) -> str:
    asked = [one for one in operation.get("parameters", ()) if one["in"] == "query" and one["name"] not in COMMON]
    names = [f"`{one['name']}`{'*' if one.get('required') else ''}" for one in asked]
    is_paged = any(one["name"] == "cursor" for one in operation.get("parameters", ()))
    return "query " + ", ".join(names + ["a page"] * is_paged) if names or is_paged else ""


def _answer(document: dict[str, Any], operation: dict[str, Any]) -> str:
    told = []
    for status, answer in operation["responses"].items():
        if int(status) < 300 or status == "304":
            schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
            told.append(f"{status} {_view(document, schema) or _kind(answer)}".strip())
    return ", ".join(told)


def _view(document: dict[str, Any], schema: dict[str, Any]) -> str:
    name = schema.get("$ref", "").rpartition("/")[2]
    if not name:
        return ""
    if name in OBJECTS:
        return f"[{name}](#{name.lower()})"
    return ", ".join(f"`{field}`" for field in document["components"]["schemas"][name]["properties"]) or "`{}`"


def _kind(answer: dict[str, Any]) -> str:
    return "the content" if "content" in answer else ""


def _object(document: dict[str, Any], name: str) -> str:
    schema = document["components"]["schemas"][name]
    fields = ", ".join(f"`{field}`" for field in schema["properties"])
    return f"### {name}\n\n{' '.join(schema['description'].split())}\n\n{fields}\n\n"


if __name__ == "__main__":
    PAGE.write_text(render_api(), encoding="utf-8")
