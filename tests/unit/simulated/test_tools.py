"""The simulated tools."""

import pytest

from proxy.simulated.tools import TOOLS, ToolError, calculate, fetch_page, read_table, search


def test_a_search_finds_the_page_about_its_words_first_and_always_the_same():
    found = search("installed prices Sweden")
    assert found.structured["results"][0]["url"] == "https://market.example/prices/sweden/2025-q3"
    assert found == search("installed prices Sweden")


def test_a_search_without_a_match_says_so():
    assert search("xyzzy").text == "No page matches 'xyzzy'."


def test_every_page_that_a_search_finds_can_be_read_but_the_refused_one():
    urls = {
        hit["url"]
        for words in ("heat pump prices", "support", "outlook installers")
        for hit in search(words).structured["results"]
    }
    refused = {url for url in urls if url.endswith("/support/2026/amounts")}
    assert all(fetch_page(url).text for url in urls - refused)
    assert len(urls) > 5


@pytest.mark.parametrize("url", ["/support/2026/amounts", "https://any.example/support/2026/amounts/?page=1"])
def test_the_page_of_amounts_is_refused(url):
    with pytest.raises(ToolError, match="403 Forbidden"):
        fetch_page(url)


def test_an_unknown_page_is_not_found():
    with pytest.raises(ToolError, match="404 Not Found"):
        fetch_page("https://market.example/nothing")


@pytest.mark.parametrize(
    ("expression", "value"), [("2 + 3 * 4", 14), ("-(1 - 4) / 2", 1.5), ("7 // 2 % 2", 1), ("0.1 + 0.2", 0.1 + 0.2)]
)
def test_arithmetic_is_worked_out(expression, value):
    assert calculate(expression).structured == {"value": value}


@pytest.mark.parametrize(
    "expression",
    ["__import__('os').getcwd()", "9 ** 9 ** 9", "x", "1 if 2 else 3", "'a' * 3", "1 +", "(" * 199, "1" * 201, "1 / 0"],
)
def test_anything_but_small_arithmetic_is_refused(expression):
    with pytest.raises(ToolError):
        calculate(expression)


def test_the_table_has_a_row_for_each_of_the_six_countries():
    assert len(read_table("market").structured["rows"]) == 6
    with pytest.raises(ToolError, match="no table 'other'"):
        read_table("other")


def test_each_tool_names_its_one_argument_as_required():
    assert [(t.name, t.as_json()["inputSchema"]["required"]) for t in TOOLS] == [
        ("search", ["query"]),
        ("fetch_page", ["url"]),
        ("calculate", ["expression"]),
        ("read_table", ["name"]),
    ]
