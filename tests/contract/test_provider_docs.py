"""The providers' page is made from what the code knows of them."""

import importlib.util
import re
from pathlib import Path

import pytest
import yaml

from proxy.config import _PROVIDER_FIELDS, parse_providers
from proxy.credentials.renewals import Renewals
from proxy.providers.capabilities import table
from proxy.providers.known import Known
from proxy.providers.registry import NAMES, all_known

ROOT = Path(__file__).parent.parent.parent


def test_the_providers_page_is_what_is_known_of_them():
    spec = importlib.util.spec_from_file_location("docs_generate_providers", ROOT / "docs" / "generate_providers.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    page = (ROOT / "docs" / "reference" / "providers.md").read_text(encoding="utf-8")
    assert page == generator.render_providers(), "run: python docs/generate_providers.py"


def test_every_field_of_a_provider_is_documented_and_no_other():
    page = (ROOT / "docs" / "reference" / "providers.md").read_text(encoding="utf-8")
    section = page.partition("## Fields")[2].partition("## Settings")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(_PROVIDER_FIELDS)


def test_each_file_that_knows_a_provider_is_in_the_registry():
    files = {path.stem for path in (ROOT / "proxy" / "providers").glob("*.py") if "KNOWN = Known(" in path.read_text()}
    assert files == {name.replace("-", "_") for name in NAMES}


def test_what_is_shown_of_signing_in_to_clouds_is_understood():
    page = (ROOT / "docs" / "how-to" / "sign-in-to-a-cloud.md").read_text(encoding="utf-8")
    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)]
    providers = [one for each in shown for one in parse_providers(each["providers"], {"AZURE_CLIENT_SECRET": "s"})]
    assert [one.name for one in providers] == ["vertex", "bedrock", "azure"]
    assert all(Renewals(environment={}).find(one) is not None for one in providers)


@pytest.mark.parametrize("known", all_known(), ids=lambda known: known.name)
def test_every_fact_says_where_and_when_it_was_read(known: Known):
    sources = [known.source, *(one.source for one in (*known.quirks, *known.unsupported))]
    assert [one for one in sources if not one.link.startswith("https://")] == []
    assert [one for one in sources if not re.fullmatch(r"20\d\d-(0[1-9]|1[0-2])", one.date)] == []
    assert all(quirk.change.__doc__ for quirk in known.quirks)


def test_the_table_of_what_cannot_be_done_is_plain_data():
    row = next(row for row in table() if row["provider"] == "groq" and row["parameter"] == "n")
    assert row == {
        "provider": "groq", "dialect": "openai", "parameter": "n", "models": ["*"], "allowed": [1],
        "link": "https://console.groq.com/docs/openai", "date": "2026-11",
    }  # fmt: skip
