"""What the documents promise is what the code does."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from pointsman.contract import ErrorCode

from proxy.config import parse_providers, parse_tool_servers
from proxy.errors import ProxyError
from proxy.providers.registry import all_known

ROOT = Path(__file__).parent.parent.parent
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "sdk" / "README.md"])
ROOMS = ("controlplane", "workers", "web", "proxy", "sdk")
VARIABLE = re.compile(r"\b(?:POINTSMAN|TEMPORAL|OTEL)_[A-Z_]+[A-Z]\b")


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def code() -> str:
    sources = (path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
    return "\n".join(path.read_text(encoding="utf-8") for path in sources)


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_variable_that_is_read_is_documented():
    quoted = {found for found in re.findall(r'"([A-Z_]+)"', code()) if VARIABLE.fullmatch(found)}
    assert quoted - set(VARIABLE.findall(read("docs/reference/configuration.md"))) == set()


def test_every_documented_variable_is_read():
    documented = set(VARIABLE.findall(read("docs/reference/configuration.md")))
    assert documented - set(VARIABLE.findall(code())) == set()


@pytest.mark.parametrize("page", ["docs/reference/configuration.md", "docs/how-to/use-a-real-provider.md"])
def test_every_well_known_provider_is_documented(page: str):
    assert [known.variable for known in all_known() if known.variable and known.variable not in read(page)] == []


def all_errors(kind: type[ProxyError]) -> set[type[ProxyError]]:
    return {kind}.union(*(all_errors(child) for child in kind.__subclasses__()))


def test_every_code_of_an_error_is_documented_and_no_other():
    rows = set(re.findall(r"^\| `([a-z_]+)` \|", read("docs/reference/errors.md"), re.MULTILINE))
    gateway = {str(error.code) for error in all_errors(ProxyError)} - {"client_left"}  # stands in the log only
    assert rows == {str(error_code) for error_code in ErrorCode} | gateway


def test_the_state_machines_page_is_the_table():
    assert read("docs/reference/state-machine.md") == generator().render_state_machine()


def test_the_example_configuration_is_understood_without_any_variable():
    document = yaml.safe_load(read("pointsman.example.yaml"))
    providers = parse_providers(document["providers"], {})
    assert [provider.name for provider in providers] == ["openai", "anthropic", "local"]
    assert list(parse_tool_servers(document["tool_servers"], {})) == ["search"]


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path):
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", page.read_text(encoding="utf-8"))
    images = {link for link in links if link.startswith("docs/images/")}  # taken by `make shots`
    assert [link for link in set(links) - images if not (page.parent / link).exists()] == []


def test_readme_and_sdk_show_the_same_five_lines():
    block = re.compile(r"```python\n(from pointsman import Agent\n.*?)```", re.DOTALL)
    shown = [block.findall(read(path))[0] for path in ("README.md", "sdk/README.md")]
    assert shown[0] == shown[1]
