"""The page of edge cases and the folder of their tests name each other, completely."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "reference" / "edge-cases.md").read_text(encoding="utf-8")
CASES = 23  # rows of the list of what went wrong for others


def sentences_in(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [function.name for function in functions if function.name.startswith("test_")]


def test_every_edge_case_is_listed_with_its_tests_and_every_test_with_its_case():
    listed = Counter(re.findall(r"^- `(test_\w+)`$", PAGE, re.MULTILINE))
    written = Counter(name for path in (ROOT / "tests" / "edge_cases").glob("test_*.py") for name in sentences_in(path))
    assert listed == written
    assert set(listed.values()) == {1}


def test_no_edge_case_is_without_a_test():
    cases = re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]
    assert len(cases) == CASES
    assert [case.splitlines()[0] for case in cases if "- `test_" not in case] == []
