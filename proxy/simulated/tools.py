"""The simulated tools: what they are called, what they take, what they find. Pure and deterministic."""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from proxy.simulated.market import FORBIDDEN_PATH, PAGES, Page, table_rows

SITE = "https://market.example"
_OPERATORS: Mapping[type[ast.AST], Callable[..., float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
EXPRESSION_LIMIT = 200  # characters; keeps the parser's recursion and the numbers small


class ToolError(Exception):
    """The tool could not do it; told to the model in the result, so that it can try something else."""


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool found: text for the model, and the same as JSON where it has a shape."""

    text: str
    structured: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class SimulatedTool:
    """A tool with one string argument."""

    name: str
    description: str
    argument: str
    run: Callable[[str], ToolResult]

    def as_json(self) -> dict[str, Any]:
        """As `tools/list` shows it."""
        return {
            "name": self.name,
            "title": self.name.replace("_", " ").capitalize(),
            "description": self.description,
            "inputSchema": {
                "type": "object",
                "properties": {self.argument: {"type": "string"}},
                "required": [self.argument],
                "additionalProperties": False,
            },
            "annotations": {"readOnlyHint": True, "openWorldHint": False},
        }


def search(query: str) -> ToolResult:
    words = {word for word in re.findall(r"\w+", query.lower()) if len(word) > 2}
    ranked = sorted(PAGES, key=lambda page: (-_overlap(page, words), page.path))
    found = [page for page in ranked if _overlap(page, words)][:5]
    if not found:
        return ToolResult(f"No page matches {query!r}.", {"results": []})
    results = [{"title": page.title, "url": SITE + page.path} for page in found]
    return ToolResult("\n".join(f"{hit['title']}\n  {hit['url']}" for hit in results), {"results": results})


def _overlap(page: Page, words: set[str]) -> int:
    titled = set(re.findall(r"\w+", f"{page.title} {page.path}".lower()))
    return 3 * len(words & titled) + len(words & set(re.findall(r"\w+", page.text.lower())))


def fetch_page(url: str) -> ToolResult:
    path = urlsplit(url).path.rstrip("/")
    if path == FORBIDDEN_PATH:
        raise ToolError("403 Forbidden: access refused. This page is open to registered installers only.")
    page = next((page for page in PAGES if page.path == path), None)
    if page is None:
        raise ToolError(f"404 Not Found: there is no page at {path or '/'!r}.")
    return ToolResult(f"{page.title}\n\n{page.text}", {"title": page.title, "text": page.text})


def calculate(expression: str) -> ToolResult:
    if len(expression) > EXPRESSION_LIMIT:
        raise ToolError(f"The expression has more than {EXPRESSION_LIMIT} characters.")
    try:
        value = _evaluate(ast.parse(expression, mode="eval").body)
    except ZeroDivisionError:
        raise ToolError("Division by zero.") from None
    except (SyntaxError, ValueError, OverflowError, RecursionError):
        raise ToolError(f"Not an arithmetic expression: {expression!r}.") from None
    return ToolResult(f"{value:.12g}", {"value": value})


def _evaluate(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_evaluate(left), _evaluate(right))
        case ast.UnaryOp(op=sign, operand=operand) if type(sign) in _OPERATORS:
            return _OPERATORS[type(sign)](_evaluate(operand))
    raise ValueError(ast.dump(node))


def read_table(name: str) -> ToolResult:
    if name != "market":
        raise ToolError(f"There is no table {name!r}. Tables: 'market'.")
    rows = table_rows()
    lines = [" | ".join(rows[0]), *(" | ".join(str(cell) for cell in row.values()) for row in rows)]
    return ToolResult("\n".join(lines), {"rows": rows})


TOOLS = (
    SimulatedTool("search", "Search the simulated web for pages on the heat pump market.", "query", search),
    SimulatedTool("fetch_page", "Read a page that search has found.", "url", fetch_page),
    SimulatedTool("calculate", "Work out an arithmetic expression.", "expression", calculate),
    SimulatedTool("read_table", "Read a table of figures; 'market' has one row a country.", "name", read_table),
)
