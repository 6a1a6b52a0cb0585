"""`docker-compose.yml` and `Dockerfile` against the Compose schema and against the code they start.

No container engine takes part: what is compared is what would have to be true for one.
"""

import ast
import importlib.util
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from controlplane.settings import PROXY_PORT, SIMULATED_PORT, TEMPORAL_PORT, WEB_PORT, Home, Settings
from controlplane.supervisor.plan import own_children, simulated_child
from controlplane.supervisor.temporal_server import temporal_arguments
from controlplane.version import VERSION

ROOT = Path(__file__).parents[2]
OUR_PROCESSES = ("web", "proxy", "recorder", "workers")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return content


@pytest.fixture(scope="module")
def services(compose: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = compose["services"]
    return found


def test_the_file_is_valid_by_the_compose_specification(compose: dict[str, Any]) -> None:
    schema = json.loads((files("check_jsonschema") / "builtin_schemas/vendor/compose-spec.json").read_text("utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(compose)


def test_every_process_that_up_starts_has_its_container(services: dict[str, Any]) -> None:
    settings = Settings(home=Home(Path("/var/lib/pointsman")))
    children = {child.name: child for child in (*own_children(settings), simulated_child(settings))}
    for name, child in children.items():
        module = child.command[child.command.index("-m") + 1 :]
        assert services[name]["command"] == ["python", "-P", "-m", *module]
    assert set(services) == {*children, "temporal", "migrate"}


def test_every_command_names_a_module_that_can_be_started(services: dict[str, Any]) -> None:
    for service in services.values():
        if "-m" in service["command"]:
            module = service["command"][service["command"].index("-m") + 1]
            assert importlib.util.find_spec(f"{module}.__main__"), module


def test_the_engine_is_started_with_the_arguments_of_the_supervisor(services: dict[str, Any]) -> None:
    ours = temporal_arguments("temporal", Settings(home=Home(Path("/var/lib/temporal"))))
    assert services["temporal"]["command"] == ["0.0.0.0" if word == "127.0.0.1" else word for word in ours]


def test_only_board_and_gateway_are_published_and_only_on_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "web": [f"127.0.0.1:{WEB_PORT}:{WEB_PORT}"],
        "proxy": [f"127.0.0.1:{PROXY_PORT}:{PROXY_PORT}"],
    }


def test_every_variable_is_one_that_the_code_reads(services: dict[str, Any]) -> None:
    read = _variables_read()
    for service in services.values():
        assert set(service.get("environment", {})) - read == set()
    in_image = set(re.findall(r"\b(POINTSMAN_\w+)=", (ROOT / "Dockerfile").read_text(encoding="utf-8")))
    assert in_image
    assert in_image - read == set()


def test_every_long_lived_container_has_a_health_check_of_a_route_or_row_that_exists(services: dict[str, Any]) -> None:
    ports = {"web": WEB_PORT, "proxy": PROXY_PORT, "simulated": SIMULATED_PORT}
    for name, service in services.items():
        if name == "migrate":
            continue
        test = " ".join(service["healthcheck"]["test"])
        if name in ports:
            assert f"http://127.0.0.1:{ports[name]}/" in test
        elif name == "temporal":
            assert f"127.0.0.1:{TEMPORAL_PORT}" in test
        else:
            assert test == f"CMD pointsman doctor --alive {name}"


def test_nothing_starts_before_the_databases_are_migrated(services: dict[str, Any]) -> None:
    for name in OUR_PROCESSES:
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert "home:/var/lib/pointsman" in services[name]["volumes"]


def test_the_image_is_of_this_version_and_runs_without_root(services: dict[str, Any]) -> None:
    assert {service["image"] for service in services.values()} == {f"pointsman:{VERSION}"}
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "\nUSER pointsman\n" in dockerfile
    assert f"EXPOSE {WEB_PORT} {PROXY_PORT}\n" in dockerfile


def test_the_image_takes_every_room_and_the_build_context_lets_it_in() -> None:
    copied = set(re.findall(r"^COPY (\w+) \1$", (ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE))
    assert copied == {"controlplane", "workers", "proxy", "web", "sdk"}
    context = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    assert {f"!{room}" for room in copied} - set(context) == set()


def _variables_read() -> set[str]:
    """Every string constant in the rooms that looks like a variable's name."""
    found = set()
    for room in ("controlplane", "proxy", "workers", "web"):
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found |= set(re.findall(r"\A[A-Z][A-Z0-9_]+\Z", node.value))
    return found
