"""The machine-readable form of the API, OpenAPI 3.1, made from what is served.

Paths, parameters and bodies are FastAPI's, answers and noes come from `described.py`; here the schemas of the views are
added, which are the classes that are sent, and what follows from an operation's own parts: who takes a body may get
400 and 413, who takes an `Idempotency-Key` may hear that it was used before.
"""

from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pointsman.contract import API_PREFIX, ErrorCode

from controlplane.api.bodies.runs import Checkpoint
from controlplane.api.described import JSON, PROBLEM, problem_answer
from controlplane.api.views.answers import View
from controlplane.api.views.examples import EXAMPLES
from controlplane.api.views.problems import Problem

DESCRIPTION = """\
Everything that people, scripts and agents do with tasks. Every mutation takes an `Idempotency-Key`: sent again with
the same one it is done once. Lists come in pages. Times are ISO 8601 in UTC, money is in nano-USD, a task is named by
`T-12` or by its id. What is refused is a problem (RFC 9457) with a stable `code`. `x-callers` names the kinds of keys
that an operation lets in."""
TAGS = {
    "tasks": "What people want, and how far it has come.",
    "verbs": "What people decide about a task.",
    "reviews": "Verdicts on deliverables, and what came too late.",
    "deliverables": "What tasks have made, in every version.",
    "runs": "What an agent says of its run, and is told.",
    "agents": "Who works here, and what waits for them.",
    "people": "Teams, mentions, and what waits for a person.",
    "operations": "Freezes, incidents, and where work stands still.",
    "recurring": "Tasks that are made again and again.",
    "uploads": "Files on their way in, part by part.",
    "keys": "Who may call.",
}
SECURITY = {
    "key": {
        "type": "http",
        "scheme": "bearer",
        "description": "An admin key, an agent's key, or the key of one run.",
    }
}


def describe(app: FastAPI) -> dict[str, Any]:
    """The document; made once for an application."""
    document = get_openapi(
        title="Pointsman",
        version="1",
        openapi_version="3.1.0",
        description=DESCRIPTION,
        routes=app.routes,
        tags=[{"name": name, "description": text} for name, text in TAGS.items()],
        servers=[{"url": API_PREFIX}],
    )
    shared: dict[str, Any] = {}
    for path in document["paths"].values():
        for operation in path.values():
            _complete(operation)
            operation["responses"] = {
                status: _shared(status, each, shared) for status, each in operation["responses"].items()
            }
    document["components"]["responses"] = dict(sorted(shared.items()))
    schemas = document["components"].setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Checkpoint"] = Checkpoint.model_json_schema()  # its endpoint takes JSON or bytes and reads them itself
    schemas.update(view_schemas())
    document["components"]["securitySchemes"] = SECURITY
    document["security"] = [{"key": []}]
    return document


def view_schemas() -> dict[str, Any]:
    """The JSON Schemas of everything that is answered, by name."""
    views = sorted(_all_views(View), key=lambda view: view.__name__)
    _, schemas = msgspec.json.schema_components([*views, Problem], ref_template="#/components/schemas/{name}")
    return schemas


def _all_views(view: type[View]) -> set[type[View]]:
    return {found for child in view.__subclasses__() for found in (child, *_all_views(child))}


def _complete(operation: dict[str, Any]) -> None:
    parameters = {parameter["name"].lower() for parameter in operation.get("parameters", ())}
    not_valid = []
    if parameters or "requestBody" in operation:
        not_valid.append(ErrorCode.INVALID_REQUEST)
    if "idempotency-key" in parameters:
        not_valid.append(ErrorCode.IDEMPOTENCY_MISMATCH)
    if not_valid:
        _add(operation, 422, *not_valid)
    if "if-match" in parameters:
        _add(operation, 412, ErrorCode.REVISION_MISMATCH)
    if "requestBody" in operation:
        _add(operation, 400, ErrorCode.INVALID_REQUEST)
        _add(operation, 413, ErrorCode.REQUEST_TOO_LARGE)
    for response in operation["responses"].values():
        _add_example(response.get("content", {}).get(JSON))


def _add_example(content: dict[str, Any] | None) -> None:
    """Only now: FastAPI leaves out what is null."""
    if content and "$ref" in content["schema"]:
        name = content["schema"]["$ref"].rpartition("/")[2]
        example = next(example for view, example in EXAMPLES.items() if view.__name__ == name)
        content["example"] = msgspec.json.decode(msgspec.json.encode(example))


def _shared(status: str, response: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    """A no is described once for all operations that may give it."""
    content = response.get("content", {}).get(PROBLEM)
    if content is None:
        return response
    name = f"{status}_{'_or_'.join(content['examples'])}"
    shared[name] = response
    return {"$ref": f"#/components/responses/{name}"}


def _add(operation: dict[str, Any], status: int, *codes: ErrorCode) -> None:
    """Further codes under a status, beside those that the endpoint declared; in place of FastAPI's own 422."""
    declared = operation["responses"].get(str(status), {}).get("content", {}).get(PROBLEM, {})
    known = {ErrorCode(code) for code in declared.get("examples", ())}
    operation["responses"][str(status)] = problem_answer(status, known | set(codes))
