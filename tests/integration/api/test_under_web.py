"""The API as `web` serves it: under its prefix, beside the pages, with the pages' guard before it."""

from pathlib import Path

import httpx2
from pointsman.contract import API_PREFIX, KeyKind

from controlplane.access.keys import create_key
from controlplane.api import ApiDeps, create_api
from tests.fakes.site import running_site
from web.app import create_pages


async def test_the_api_is_described_and_answers_under_its_prefix(tmp_path: Path):
    async with running_site(tmp_path) as site:
        station = site.station
        async with site.control.transaction() as session:
            key = await create_key(session, KeyKind.ADMIN, site.person.workspace_id, "script", site.clock.now_ms())
        deps = ApiDeps(
            station.settings,
            station.control,
            station.calls,
            site.engine,
            site.feed,
            station.blobs,
            site.clock,
            site.commands.master_key,
        )
        transport = httpx2.ASGITransport(create_pages(station, create_api(deps)))
        headers = {"authorization": f"Bearer {key}"}
        async with httpx2.AsyncClient(
            transport=transport, base_url=f"http://127.0.0.1:8080{API_PREFIX}", headers=headers
        ) as http:
            document = (await http.get("/openapi.json")).json()
            assert document["servers"] == [{"url": API_PREFIX}]
            made = await http.post("/tasks", json={"title": "One"})
            assert (made.status_code, made.headers["etag"]) == (201, '"1"')
            stale = await http.post("/tasks/T-1/edit", json={"title": "Two"}, headers={"if-match": '"9"'})
            assert (stale.status_code, stale.json()["code"]) == (412, "revision_mismatch")
            wrong_method = await http.put("/tasks")
            assert (wrong_method.status_code, wrong_method.headers["allow"]) == (405, "GET, POST")
            nowhere = await http.get("/nothing")
            assert nowhere.headers["content-type"] == "application/problem+json"
            assert nowhere.json()["code"] == "not_found"
