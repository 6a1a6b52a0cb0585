"""Cursor pages: nothing twice, nothing left out, whatever comes in between."""

import pytest

from controlplane.api.paging import PageWish, page_of, parse_cursor, render_cursor
from controlplane.commands import CommandRefused


async def pages(client, path, name, limit=2):
    cursor, found = "", []
    while cursor is not None:
        joint = "&" if "?" in path else "?"
        answer = await client.get(f"{path}{joint}limit={limit}" + (f"&cursor={cursor}" if cursor else ""))
        page = answer.json()
        assert answer.status_code == 200, answer.text
        assert len(page[name]) <= limit
        found += page[name]
        cursor = page["next_cursor"]
        yield page[name]


async def everything(client, path, name, limit=2):
    return [one async for page in pages(client, path, name, limit) for one in page]


async def test_a_task_made_while_somebody_reads_shifts_no_page(script):
    for number in range(4):
        await script.post("/tasks", {"title": f"Task {number}"})
    refs = []
    async for page in pages(script, "/tasks", "tasks"):
        refs += [task["ref"] for task in page]
        if len(refs) == 2:
            await script.post("/tasks", {"title": "In between"})
    assert refs == ["T-4", "T-3", "T-2", "T-1"]


async def test_the_activity_comes_in_pages_in_its_one_order(script, clock):
    await script.post("/tasks", {"title": "One"})
    for number in range(3):
        clock.ms += 1
        await script.post("/tasks/T-1/comments", {"text": f"Said {number}"})
        await script.post("/tasks/T-1/edit", {"title": f"Title {number}"})
    whole = (await script.get("/tasks/T-1/activity?limit=200")).json()["activity"]
    assert [one["kind"] for one in whole] == ["task_created", *["comment", "task_edited"] * 3]
    assert await everything(script, "/tasks/T-1/activity", "activity") == whole
    said = await everything(script, "/tasks/T-1/comments", "comments", 1)
    assert [one["text"] for one in said] == ["Said 0", "Said 1", "Said 2"]


async def test_agents_keys_teams_and_templates_come_in_pages(script, clock):
    for name in ("c", "a", "b"):
        clock.ms += 1
        await script.post("/keys", {"agent": name})
        await script.post("/teams", {"handle": f"team-{name}", "members": [name]})
    assert [one["name"] for one in await everything(script, "/agents", "agents")] == ["a", "b", "c"]
    assert [one["agent"] for one in await everything(script, "/keys", "keys", 1)] == [None, "c", "a", "b"]
    assert [one["handle"] for one in await everything(script, "/teams", "teams", 1)] == ["team-a", "team-b", "team-c"]
    templates = [one["name"] for one in await everything(script, "/agent-templates", "templates")]
    assert templates == sorted(templates)


@pytest.mark.parametrize(
    "cursor", ["x", "WzFd.", "bm90IGpzb24", "WyJhIl0", "WzEsMl0", "Wzk5OTk5OTk5OTk5OTk5OTk5OTk5XQ"]
)
async def test_a_cursor_that_no_page_gave_out_is_refused(script, cursor):
    answer = await script.get(f"/tasks?cursor={cursor}")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "invalid_request", "cursor")


@pytest.mark.parametrize("limit", [0, 201, "many"])
async def test_a_page_has_one_to_two_hundred_rows(script, limit):
    assert (await script.get(f"/tasks?limit={limit}")).status_code == 422


def test_a_list_read_whole_is_paged_by_its_key():
    items = ["d", "b", "a", "c"]
    first, cursor = page_of(items, lambda one: (one,), PageWish(3, None))
    rest, end = page_of([*items, "aa"], lambda one: (one,), PageWish(3, cursor))
    assert (first, rest, end) == (["a", "b", "c"], ["d"], None)


def test_a_cursor_says_again_what_it_was_made_of():
    key = (1, "ü", -5)
    assert parse_cursor(render_cursor(key), [int, str, int]) == key
    with pytest.raises(CommandRefused):
        parse_cursor(render_cursor(key), [int, str, str])
