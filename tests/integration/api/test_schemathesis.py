"""What the description promises is asked of a served API, valid and invalid, some dozens of times for each operation.

The seed is fixed: the same questions each time. A finding prints the request that shows it.
"""

import re
from collections.abc import Iterator

import pytest
import schemathesis
from pointsman.contract import API_PREFIX
from schemathesis.config import SchemathesisConfig
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    ignored_auth,
    missing_required_header,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from controlplane.api.app import openapi_document
from controlplane.api.uploads import PART_TYPE
from tests.integration.api.world import World, running_world

SEED = 20261121
EXAMPLES = 4  # for each operation, beside those that its schemas' corners make
CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    missing_required_header,
    unsupported_method,
    allow_header_conformance,
    ignored_auth,
]
CONFIG = {
    "seed": SEED,
    "generation": {
        "max-examples": EXAMPLES,
        "deterministic": True,
        "database": "none",
        "with-security-parameters": False,  # the key is ours to send; `ignored_auth` leaves it out by itself
    },
    "suppress-health-check": ["too_slow"],
    "checks": {
        # The state of a task, a hold, a revision, a size: what is well said may still not be possible.
        "positive_data_acceptance": {"expected-statuses": ["2xx", "304", 400, 403, 404, 409, 412, 413, 416, 422, 429]},
        # A run that has ended, a task that is not there, are said before the body is read.
        "negative_data_rejection": {"expected-statuses": [400, 401, 403, 404, 405, 409, 412, 413, 422, 429]},
    },
}

schemathesis.serializer.alias(PART_TYPE, "application/octet-stream")
schema = schemathesis.openapi.from_dict(openapi_document(), config=SchemathesisConfig.from_dict(CONFIG))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("api") / "home") as world:
        yield world


@pytest.mark.slow
@pytest.mark.timeout(300)
@schema.parametrize()
def test_the_api_is_as_it_is_described(case: schemathesis.Case, world: World):
    callers = case.operation.definition.raw["x-callers"]
    if "run_id" in case.path_parameters:
        world.hold_a_run()
    caller = "run" if "run_id" in case.path_parameters else callers[0]
    aim(case, world)
    case.call_and_validate(
        base_url=str(world.http.base_url).rstrip("/") + API_PREFIX,
        headers={"Authorization": f"Bearer {world.keys[caller]}"},
        checks=CHECKS,
    )


def aim(case: schemathesis.Case, world: World) -> None:
    """Puts what there is where a valid path names something, and asks nobody to wait."""
    if _is_valid(case, ParameterLocation.PATH):
        for name in case.path_parameters:
            if name == "ref":
                number = sum(map(ord, str(case.path_parameters[name]))) % 16
                case.path_parameters[name] = f"T-{number + 1}" if number else world.paths["reviewed"]
            elif name in world.paths:
                case.path_parameters[name] = world.paths[name]
    asked = {"run_answer": case.query, "agent_next": case.body}.get(case.operation.definition.raw["operationId"])
    if isinstance(asked, dict) and _is_seconds(asked.get("wait_seconds", 20)):
        asked["wait_seconds"] = 0


def _is_seconds(value: object) -> bool:
    """Whether somebody would be kept waiting."""
    return isinstance(value, int | float | str) and re.fullmatch(r"[0-9]{1,2}(\.[0-9]+)?", str(value)) is not None


def _is_valid(case: schemathesis.Case, location: ParameterLocation) -> bool:
    component = case.meta.components.get(location) if case.meta else None
    return component is None or component.mode is GenerationMode.POSITIVE
