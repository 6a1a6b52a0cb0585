"""What a task has made: every version with its price, its content in any part, and what changed."""

import pytest
from sqlalchemy import update

from controlplane.store.tables import RunUsage
from controlplane.store.upsert import insert_into, table_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


@pytest.fixture
def hand_in(script, writer, http):
    """One run's work at T-1: claimed, handed in, and sent back for the next one."""

    async def submit(back: bool = True, **said) -> dict:
        if not (await script.get("/tasks")).json()["tasks"]:
            await script.post("/tasks", {"title": "Write it"})
        offer = (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()
        run = writer.with_key(offer["run"]["key"])
        if "raw" in said:
            raw = said.pop("raw")
            named = {"name": said.pop("name"), "media_type": said.pop("media_type"), "size_bytes": len(raw)}
            said["upload_id"] = (await run.post("/uploads", named)).json()["upload_id"]
            headers = {
                "authorization": f"Bearer {run.key}",
                "upload-offset": "0",
                "content-type": "application/offset+octet-stream",
            }
            sent = await http.patch(f"/uploads/{said['upload_id']}", content=raw, headers=headers)
            assert sent.status_code == 204, sent.text
        response = await run.post(f"/runs/{offer['run']['run_id']}/submit", said)
        assert response.status_code == 200, response.text
        if back:
            await script.post("/tasks/T-1/review", {"verdict": "request_changes", "note": "Again."})
        return offer["run"]

    return submit


async def used(database, run: dict, admin, calls: int, cost_nano_usd: int) -> None:
    row = {"run_id": run["run_id"], "workspace_id": admin.workspace_id, "calls": calls, "cost_nano_usd": cost_nano_usd}
    async with database.transaction() as session:
        task = update(table_of(RunUsage)).where(table_of(RunUsage).c.run_id == run["run_id"]).values(**row)
        await session.execute(task)
        row = RunUsage(task_id="t_1", **row).model_dump()
        await session.execute(insert_into(session, RunUsage).values(**row).on_conflict_do_nothing())


async def test_each_version_says_who_made_it_what_that_cost_and_what_was_said(script, hand_in, database, admin):
    first = await hand_in(content="# Draft", title="Draft")
    second = await hand_in(back=False, kind="code", content="x = 1", language="python", name="a.py")
    await used(database, first, admin, 3, 2_000)
    one, two = (await script.get("/tasks/T-1/deliverables")).json()["deliverables"]
    assert (one["version"], one["kind"], one["title"], one["verdict"]) == (1, "markdown", "Draft", "request_changes")
    assert (one["run"]["run_id"], one["run"]["number"], one["run"]["agent"]) == (first["run_id"], 1, "writer")
    assert (one["run"]["calls"], one["run"]["cost_nano_usd"]) == (3, 2_000)
    assert [(said["verdict"], said["note"]) for said in one["verdicts"]] == [("request_changes", "Again.")]
    assert (two["kind"], two["language"], two["name"], two["verdicts"]) == ("code", "python", "a.py", [])
    assert two["run"]["run_id"] == second["run_id"]
    assert (await script.get("/tasks/T-1/deliverables/2")).json() == two
    assert two["content_url"] == "/api/v1/tasks/T-1/deliverables/2/content"


async def test_a_version_that_is_not_there_is_not_found(script, hand_in):
    await hand_in(content="# Draft")
    for path in ("2", "2/content", "2/diff", "1/diff"):
        response = await script.get(f"/tasks/T-1/deliverables/{path}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found")


async def test_a_content_comes_whole_with_its_hash_as_its_tag(script, hand_in):
    await hand_in(content="# Draft")
    path = "/tasks/T-1/deliverables/1/content"
    response = await script.get(path)
    assert (response.content, response.headers["content-type"]) == (b"# Draft", "text/markdown; charset=utf-8")
    assert response.headers["content-disposition"].startswith('attachment; filename="T-1-v1.md"')
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in response.headers["content-security-policy"]
    etag = response.headers["etag"]
    assert etag == f'"{(await script.get("/tasks/T-1/deliverables/1")).json()["sha256"]}"'
    assert (await script.get(path, if_none_match=etag)).status_code == 304
    head = await script.ask("HEAD", path)
    assert (head.content, head.headers["content-length"], head.headers["etag"]) == (b"", "7", etag)


@pytest.mark.parametrize(
    ("asked", "status", "content", "said"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=4-", 206, b"456789", "bytes 4-9/10"),
        ("bytes=-3", 206, b"789", "bytes 7-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=8-99", 206, b"89", "bytes 8-9/10"),
        ("bytes=10-", 416, b"", "bytes */10"),
        ("bytes=-0", 416, b"", "bytes */10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=0-1,4-5", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=0-" + "9" * 5000, 200, b"0123456789", None),
    ],
)
async def test_a_part_of_a_content_can_be_asked_for(script, hand_in, asked, status, content, said):
    await hand_in(kind="text", content="0123456789")
    response = await script.get("/tasks/T-1/deliverables/1/content", range=asked)
    assert (response.status_code, response.headers.get("content-range")) == (status, said)
    assert status == 416 or response.content == content


async def test_a_part_of_another_version_of_it_is_answered_with_all(script, hand_in):
    await hand_in(kind="text", content="0123456789")
    path = "/tasks/T-1/deliverables/1/content"
    etag = (await script.get(path)).headers["etag"]
    assert (await script.get(path, range="bytes=0-3", if_range=etag)).status_code == 206
    assert (await script.get(path, range="bytes=0-3", if_range='"other"')).status_code == 200


@pytest.mark.parametrize(
    ("media_type", "inline_type", "disposition"),
    [
        ("image/png", "image/png", "inline"),
        ("image/svg+xml", "application/octet-stream", "attachment"),
        ("text/html", "text/plain; charset=utf-8", "inline"),
        ("application/pdf", "application/octet-stream", "attachment"),
        ("application/json", "text/plain; charset=utf-8", "inline"),
        ("application/xhtml+xml", "application/octet-stream", "attachment"),
        ("multipart/related", "application/octet-stream", "attachment"),
    ],
)
async def test_only_images_and_text_are_ever_shown_in_place(script, hand_in, media_type, inline_type, disposition):
    await hand_in(kind="file", raw=PNG, name="a.bin", media_type=media_type)
    inline = await script.get("/tasks/T-1/deliverables/1/content?inline=true")
    assert (inline.headers["content-type"], inline.content) == (inline_type, PNG)
    assert inline.headers["content-disposition"].startswith(f"{disposition}; ")
    assert inline.headers["content-security-policy"] == "default-src 'none'; sandbox"
    download = await script.get("/tasks/T-1/deliverables/1/content")
    assert download.headers["content-disposition"].startswith("attachment; ")


async def test_markdown_in_place_is_plain_text(script, hand_in):
    await hand_in(content="<script>alert(1)</script>")
    inline = await script.get("/tasks/T-1/deliverables/1/content?inline=true")
    assert inline.headers["content-type"] == "text/plain; charset=utf-8"


async def test_a_download_has_its_name_in_any_script(script, hand_in):
    await hand_in(kind="file", raw=b"x", name='Übersicht "漢字".pdf', media_type="application/pdf")
    said = (await script.get("/tasks/T-1/deliverables/1/content")).headers["content-disposition"]
    assert said == (
        "attachment; filename=\"_bersicht ____.pdf\"; filename*=UTF-8''%C3%9Cbersicht%20%22%E6%BC%A2%E5%AD%97%22.pdf"
    )


async def test_two_versions_are_told_apart_by_lines_words_and_price(script, hand_in, database, admin):
    lines = [f"Line {n}" for n in range(50)]
    await hand_in(content="\n".join(lines))
    second = await hand_in(content="\n".join([*lines[:25], "Line XXV", *lines[26:]]), title="Better")
    await used(database, second, admin, 4, 700)
    response = await script.get("/tasks/T-1/deliverables/2/diff")
    assert response.status_code == 200, response.text
    diff = response.json()
    assert (diff["version"], diff["against"], diff["is_same"]) == (2, 1, False)
    assert {"field": "title", "before": "", "after": "Better"} in diff["fields"]
    assert diff["effort"] == {"runs": 1, "calls": 4, "cost_nano_usd": 700}
    (hunk,) = diff["text"]["hunks"]
    assert (hunk["unchanged_before"], diff["text"]["unchanged_after"]) == (22, 21)
    assert hunk["rows"][3] == {
        "kind": "replace",
        "left": 26,
        "right": 26,
        "before": [["Line ", False], ["25", True]],
        "after": [["Line ", False], ["XXV", True]],
    }
    assert (diff["text"]["added"], diff["text"]["removed"]) == (1, 1)


async def test_any_version_can_be_compared_with_any_other(script, hand_in):
    for text in ("one", "two", "one"):
        await hand_in(content=text)
    assert (await script.get("/tasks/T-1/deliverables/3/diff?against=1")).json()["is_same"] is True
    back = (await script.get("/tasks/T-1/deliverables/1/diff?against=2")).json()
    assert back["text"]["hunks"][0]["rows"][0]["before"] == [["two", True]]


async def test_files_that_are_no_texts_differ_in_what_is_known_of_them(script, hand_in):
    await hand_in(kind="file", raw=PNG, name="chart.png", media_type="image/png")
    await hand_in(kind="file", raw=PNG + b"x", name="chart2.png", media_type="image/png")
    diff = (await script.get("/tasks/T-1/deliverables/2/diff")).json()
    assert diff["text"] is None
    assert [change["field"] for change in diff["fields"]] == ["name", "size_bytes", "sha256"]
    assert diff["fields"][1] == {"field": "size_bytes", "before": str(len(PNG)), "after": str(len(PNG) + 1)}


async def test_a_link_that_moved_says_where(script, hand_in):
    await hand_in(kind="link", url="https://example.org/a")
    await hand_in(kind="link", url="https://example.org/b")
    fields = (await script.get("/tasks/T-1/deliverables/2/diff")).json()["fields"]
    assert {"field": "url", "before": "https://example.org/a", "after": "https://example.org/b"} in fields


async def test_late_work_can_be_looked_at(script, writer):
    await script.post("/tasks", {"title": "Write it"})
    offer = (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()
    await script.post("/tasks/T-1/move", {"to": "ready"})
    run = writer.with_key(offer["run"]["key"])
    refused = await run.post(f"/runs/{offer['run']['run_id']}/submit", {"content": "Too late", "title": "Late"})
    assert refused.json()["code"] == "lease_lost"
    (late,) = (await script.get("/tasks/T-1/late")).json()["late"]
    assert (late["title"], late["run"]["number"]) == ("Late", 1)
    assert (late["adopted_version"], late["discarded_at"]) == (None, None)
    assert (await script.get(late["content_url"].removeprefix("/api/v1"))).text == "Too late"
    assert (await script.get(f"/tasks/T-1/late/{'0' * 64}/content")).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"kind": "markdown", "format": "text", "content": "x"}, None),
        ({"kind": "link", "url": "javascript:alert(1)"}, None),
        ({"kind": "poem", "content": "x"}, "/kind"),
        ({"kind": "text"}, None),
    ],
)
async def test_what_is_no_deliverable_is_refused(script, writer, body, pointer):
    await script.post("/tasks", {"title": "Write it"})
    offer = (await writer.post("/agents/me/next", {"wait_seconds": 0})).json()
    response = await writer.with_key(offer["run"]["key"]).post(f"/runs/{offer['run']['run_id']}/submit", body)
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")
    assert pointer is None or response.json()["errors"][0]["pointer"] == pointer


async def test_the_older_word_for_kind_still_works(script, hand_in):
    await hand_in(content="plain", format="text")
    assert (await script.get("/tasks/T-1/deliverables/1")).json()["kind"] == "text"
