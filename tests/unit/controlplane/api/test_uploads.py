"""Files by HTTP: in parts, to the limit, and handed in."""

import hashlib

import pytest

from controlplane.api import ApiDeps, create_api
from controlplane.feed.feed import Feed

CONTENT = b"%PDF-1.7 " + bytes(range(256)) * 8
SHA256 = hashlib.sha256(CONTENT).hexdigest()
FILE = {"name": "report.pdf", "media_type": "application/pdf", "size_bytes": len(CONTENT)}


@pytest.fixture
def run(run, path):
    """Speaks with the key of a run, and knows its path."""
    run.path = path
    return run


@pytest.fixture
def send(http):
    async def part(client, upload_id: str, offset: object, content: bytes, **headers: str):
        known = {
            "authorization": f"Bearer {client.key}",
            "upload-offset": str(offset),
            "content-type": "application/offset+octet-stream",
        }
        return await http.patch(f"/uploads/{upload_id}", content=content, headers={**known, **headers})

    return part


async def uploaded(client, send, **said) -> str:
    upload_id = (await client.post("/uploads", {**FILE, **said})).json()["upload_id"]
    response = await send(client, upload_id, 0, CONTENT)
    assert response.status_code == 204, response.text
    return upload_id


async def test_a_file_in_parts_is_handed_in_and_read_back(run, send, http):
    begun = await run.post("/uploads", {**FILE, "sha256": SHA256})
    assert (begun.status_code, begun.json()["offset"]) == (201, 0)
    upload_id = begun.json()["upload_id"]
    first = await send(run, upload_id, 0, CONTENT[:1000])
    assert (first.status_code, first.headers["upload-offset"]) == (204, "1000")
    assert (await run.ask("HEAD", f"/uploads/{upload_id}")).headers["upload-offset"] == "1000"
    assert (await send(run, upload_id, 1000, CONTENT[1000:])).headers["upload-offset"] == str(len(CONTENT))
    view = (await run.get(f"/uploads/{upload_id}")).json()
    assert (view["sha256"], view["offset"], view["name"]) == (SHA256, len(CONTENT), "report.pdf")
    submitted = await run.post(f"{run.path}/submit", {"kind": "file", "upload_id": upload_id, "title": "Report"})
    assert submitted.json()["version"] == 1


async def test_the_rest_of_a_stream_that_has_no_length_is_taken_too(run, send, http):
    upload_id = (await run.post("/uploads", FILE)).json()["upload_id"]

    async def stream():
        yield CONTENT[:7]
        yield CONTENT[7:]

    response = await send(run, upload_id, 0, stream())
    assert (response.status_code, response.headers["upload-offset"]) == (204, str(len(CONTENT)))


async def test_a_wrong_offset_is_answered_with_the_right_one(run, send):
    upload_id = (await run.post("/uploads", FILE)).json()["upload_id"]
    await send(run, upload_id, 0, CONTENT[:10])
    response = await send(run, upload_id, 11, CONTENT[11:20])
    assert (response.status_code, response.json()["code"]) == (409, "upload_offset_mismatch")
    assert response.json()["offset"] == 10


async def test_a_wrong_hash_is_refused_and_the_file_may_come_again(run, send):
    upload_id = (await run.post("/uploads", {**FILE, "sha256": SHA256})).json()["upload_id"]
    response = await send(run, upload_id, 0, CONTENT[::-1])
    assert (response.status_code, response.json()["code"]) == (422, "checksum_mismatch")
    assert (await send(run, upload_id, 0, CONTENT)).status_code == 204


async def test_a_file_over_the_limit_is_refused_at_once_and_says_the_limit(run):
    response = await run.post("/uploads", {**FILE, "size_bytes": 100 * 1024 * 1024 + 1})
    assert (response.status_code, response.json()["code"]) == (413, "request_too_large")
    assert "100 MiB" in response.json()["detail"]


@pytest.mark.parametrize("has_length", [True, False])
async def test_more_than_was_announced_is_refused_while_it_comes(run, send, has_length):
    upload_id = (await run.post("/uploads", {**FILE, "size_bytes": 10})).json()["upload_id"]

    async def stream():
        yield CONTENT[:10]
        yield CONTENT[10:20]

    response = await send(run, upload_id, 0, CONTENT[:20] if has_length else stream())
    assert (response.status_code, response.json()["limit_bytes"]) == (413, 10)
    assert (await run.get(f"/uploads/{upload_id}")).json()["sha256"] is None


async def test_a_part_may_be_larger_than_any_other_body(run, send):
    large = b"x" * (9 * 1024 * 1024)
    upload_id = (await run.post("/uploads", {**FILE, "size_bytes": len(large)})).json()["upload_id"]
    assert (await send(run, upload_id, 0, large)).status_code == 204


@pytest.mark.parametrize(
    ("offset", "headers", "status"),
    [("-1", {}, 422), ("x", {}, 422), ("0", {"content-type": "application/json"}, 422)],
)
async def test_a_part_says_where_it_begins_and_that_it_is_one(run, send, offset, headers, status):
    upload_id = (await run.post("/uploads", FILE)).json()["upload_id"]
    assert (await send(run, upload_id, offset, b"x", **headers)).status_code == status


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"name": "../etc/passwd"},
        {"name": "a\\b"},
        {"name": "a\nb"},
        {"name": "report\u202efdp.exe"},
        {"media_type": "text"},
        {"media_type": "text/html; charset=x\r\nx: y"},
        {"size_bytes": -1},
        {"size_bytes": "10"},
        {"sha256": "abc"},
        {"sha256": SHA256.upper()},
        {"more": 1},
    ],
)
async def test_a_file_is_announced_properly(run, wrong):
    response = await run.post("/uploads", {**FILE, **wrong})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_request")


async def test_somebody_elses_upload_is_not_there(run, script, writer, send):
    upload_id = (await script.post("/uploads", FILE)).json()["upload_id"]
    for stranger in (run, writer):
        assert (await stranger.get(f"/uploads/{upload_id}")).status_code == 404
        assert (await send(stranger, upload_id, 0, CONTENT)).status_code == 404
    assert (await run.post(f"{run.path}/submit", {"kind": "file", "upload_id": upload_id})).status_code == 404


async def test_an_upload_taken_back_is_gone(run, send):
    upload_id = await uploaded(run, send)
    assert (await run.ask("DELETE", f"/uploads/{upload_id}")).status_code == 204
    assert (await run.get(f"/uploads/{upload_id}")).status_code == 404


async def test_another_web_process_goes_on_where_the_first_was_killed(
    run, send, settings, database, calls, engine, clock, service
):
    import httpx2

    upload_id = (await run.post("/uploads", FILE)).json()["upload_id"]
    await send(run, upload_id, 0, CONTENT[:100])
    async with Feed(database).running() as feed:
        deps = ApiDeps(settings, database, calls, engine, feed, service.blobs, clock, service.master_key)
        transport = httpx2.ASGITransport(create_api(deps))
        async with httpx2.AsyncClient(transport=transport, base_url="http://pointsman.test") as other:
            headers = {"authorization": f"Bearer {run.key}", "content-type": "application/offset+octet-stream"}
            assert (await other.head(f"/uploads/{upload_id}", headers=headers)).headers["upload-offset"] == "100"
            rest = await other.patch(
                f"/uploads/{upload_id}", content=CONTENT[100:], headers={**headers, "upload-offset": "100"}
            )
            assert rest.status_code == 204
    assert (await run.get(f"/uploads/{upload_id}")).json()["sha256"] == SHA256


async def test_a_run_that_lost_its_task_may_finish_a_file_but_begin_none(run, send, script):
    upload_id = (await run.post("/uploads", FILE)).json()["upload_id"]
    await script.post("/tasks/T-1/move", {"to": "ready"})
    assert (await run.post("/uploads", FILE)).json()["code"] == "lease_lost"
    assert (await send(run, upload_id, 0, CONTENT)).status_code == 204
    submitted = await run.post(f"{run.path}/submit", {"kind": "file", "upload_id": upload_id})
    assert submitted.json()["code"] == "lease_lost"
    (late,) = (await script.get("/tasks/T-1/late")).json()["late"]
    assert (late["kind"], late["name"], late["sha256"]) == ("file", "report.pdf", SHA256)
