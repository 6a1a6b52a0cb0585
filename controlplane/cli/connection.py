"""One request to the JSON API of a running Pointsman, as its administrator.

Where: `POINTSMAN_URL`, else `run.json` of the home. Who: `POINTSMAN_ADMIN_KEY`, else the home's `admin-key`. A mutation
carries an idempotency key and is sent again with the same one when no answer came, so it happens once.
"""

import os
import uuid
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from controlplane.cli.outcome import NOT_RUNNING, REFUSED, WRONG_USAGE, fail
from controlplane.settings import Settings, read_settings
from controlplane.supervisor.run_file import read_run_file

if TYPE_CHECKING:
    import httpx2

TRIES = 3
TIMEOUT_SECONDS = 15.0


def ask(method: str, path: str, *, body: dict[str, Any] | None = None, query: dict[str, str] | None = None) -> Any:
    """The answer's JSON (None when it has no body). Ends the verb when nobody answers or the answer is a refusal."""
    import httpx2  # noqa: PLC0415 - 150 ms that `--help` and `up` need not wait for

    url = f"{_base_url()}/api/v1{path}"
    headers = {"authorization": f"Bearer {_admin_key()}", "idempotency-key": uuid.uuid4().hex}
    with httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False) as client:
        try:
            request = client.build_request(method, url, json=body, params=query, headers=headers)
        except (httpx2.InvalidURL, UnicodeEncodeError) as error:
            fail(f"This cannot be sent to {url!a}: {error}", WRONG_USAGE)
        response = _send(client, request)
    if response is None:
        fail(f"Nobody answers at {url}. Is Pointsman running? `pointsman doctor` knows more.", NOT_RUNNING)
    if response.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
        fail(
            "The engine does not answer, so this may or may not have happened. `pointsman doctor` knows more.",
            NOT_RUNNING,
        )
    if response.is_success:
        return response.json() if response.content else None
    return fail(_sentence(response), REFUSED)


def _send(client: "httpx2.Client", request: "httpx2.Request") -> "httpx2.Response | None":
    """The last answer of a few tries: no answer and 503 (the engine is away) are tried again with the same key."""
    import httpx2  # noqa: PLC0415 - see above

    response = None
    for _ in range(TRIES):
        try:
            response = client.send(request)
        except httpx2.TransportError:
            continue
        if response.status_code != httpx2.codes.SERVICE_UNAVAILABLE:
            return response
    return response


def settings() -> Settings:
    """Ends the verb when the environment makes no sense."""
    try:
        return read_settings()
    except ValueError as error:
        return fail(str(error), WRONG_USAGE)


def in_path(reference: str) -> str:
    """A name as one step of a path, whatever is in it. Ends the verb when it is empty or no text."""
    try:
        step = quote(reference, safe="")
    except UnicodeEncodeError:
        step = ""
    if step.strip(".") == "":
        fail(f"{reference!a} names nothing.", WRONG_USAGE)
    return step


def _base_url() -> str:
    if url := os.environ.get("POINTSMAN_URL"):
        return url.rstrip("/")
    home = settings().home
    web = read_run_file(home.run_file).get("web")
    if not web:
        fail(
            f"Pointsman is not running (home {home.root}). Start it by `pointsman up`, or set POINTSMAN_URL.",
            NOT_RUNNING,
        )
    return str(web["url"])


def _admin_key() -> str:
    if key := os.environ.get("POINTSMAN_ADMIN_KEY"):
        return key
    path = settings().home.admin_key_file
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError as error:
        return fail(f"The admin key cannot be read from {path} ({error.strerror}). Set POINTSMAN_ADMIN_KEY.")


def _sentence(response: "httpx2.Response") -> str:
    """What a problem document (RFC 9457) says to a person."""
    try:
        problem = response.json()
        said = problem.get("detail") or problem.get("title")
    except (ValueError, AttributeError):
        said = ""
    return f"Refused ({response.status_code}): {said or response.text[:200] or 'no reason was given'}"
