"""The command line's page is made from its verbs."""

import importlib.util
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent


def test_the_command_lines_page_is_the_command_line():
    spec = importlib.util.spec_from_file_location("docs_generate_cli", ROOT / "docs" / "generate_cli.py")
    assert spec is not None
    assert spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    page = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert page == generator.render_cli(), "run: python docs/generate_cli.py"
