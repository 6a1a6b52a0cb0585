"""What a click does, with scripts and without, and what it does not do."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from controlplane.access.sessions import create_sign_in_link, set_password
from controlplane.domain.state import TaskStatus
from tests.fakes.document import read_html
from tests.fakes.project import Yard

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/"}


@asynccontextmanager
async def browser(yard: Yard, *, is_signed_in: bool = True) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(yard.site.app, raise_app_exceptions=False)
    cookies = {"pointsman_session": yard.site.cookie} if is_signed_in else {}
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", cookies=cookies) as client:
        yield client


def task(yard: Yard, number: int):
    return next(state for state in yard.site.engine.tasks.values() if state.number == number)


async def test_without_scripts_a_form_leads_back_to_a_page_that_shows_its_effect(yard: Yard) -> None:
    async with browser(yard) as client:
        answer = await client.post(
            "/tasks/T-9/move", data={"to": "ready"}, headers={"Referer": "http://testserver/", "Host": "testserver"}
        )
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        board = read_html((await client.get("/")).text)
    ready = board.find("cards-ready")
    assert ready is not None
    assert ready.find("card-T-9") is not None


async def test_with_scripts_the_answer_puts_the_card_where_it_belongs(yard: Yard) -> None:
    async with browser(yard) as client:
        answer = await client.post("/tasks/T-9/move", data={"to": "ready"}, headers=HTMX)
    (instruction,) = read_html(answer.text).elements()
    assert instruction.attributes == {"hx-target": "#cards-ready", "hx-swap": "place"}
    assert instruction.find("card-T-9") is not None


async def test_a_refused_drop_is_a_409_with_the_rule_in_words_and_changes_nothing(yard: Yard) -> None:
    async with browser(yard) as client:
        answer = await client.post("/tasks/T-1/move", data={"to": "ready"}, headers=HTMX)
        plain = await client.post("/tasks/T-1/move", data={"to": "ready"})
    assert answer.status_code == plain.status_code == 409
    assert "T-1 is done" in answer.text
    assert read_html(answer.text).elements()[0].attributes["hx-target"] == "#toasts"
    assert "T-1 is done" in plain.text
    assert task(yard, 1).status is TaskStatus.DONE


async def test_a_double_click_creates_one_task(yard: Yard) -> None:
    form = {"command_id": "cmd_0123456789abcdef", "title": "Once"}
    async with browser(yard) as client:
        for _ in range(2):
            assert (await client.post("/tasks", data=form)).status_code == 303
    assert [state.title for state in yard.site.engine.tasks.values()].count("Once") == 1


async def test_while_the_engine_is_away_the_same_click_is_offered_again_under_the_same_id(yard: Yard) -> None:
    yard.site.engine.is_away = True
    headers = {**HTMX, "Idempotency-Key": "cmd_0123456789abcdef"}
    async with browser(yard) as client:
        answer = await client.post("/tasks/T-9/move", data={"to": "ready"}, headers=headers)
        assert answer.status_code == 503
        form = next(node for node in read_html(answer.text).walk() if node.tag == "form")
        fields = {node.attributes["name"]: node.attributes["value"] for node in form.walk() if node.tag == "input"}
        assert fields == {"to": "ready", "command_id": "cmd_0123456789abcdef"}
        assert (await client.get("/")).status_code == 200, "reading goes on"
        yard.site.engine.is_away = False
        again = await client.post(form.attributes["action"], data=fields, headers=HTMX)
    assert again.status_code == 200
    assert task(yard, 9).status is TaskStatus.READY


async def test_a_form_that_is_refused_comes_back_as_it_was_with_the_reason(yard: Yard) -> None:
    async with browser(yard) as client:
        answer = await client.post("/tasks", data={"title": "Kept", "brief": "All of it", "blockers": "T-99"})
    assert answer.status_code == 409
    for part in ("There is no task", "T-99", 'value="Kept"', "All of it"):
        assert part in answer.text


async def test_a_circle_of_waiting_is_refused_with_its_path(yard: Yard) -> None:
    async with browser(yard) as client:
        answer = await client.post("/tasks/T-3/blockers", data={"blockers": "T-5"}, headers=HTMX)
    assert answer.status_code == 409
    assert "T-4" in answer.text


async def test_whoever_has_not_signed_in_is_shown_the_door_and_comes_back_to_the_page(yard: Yard) -> None:
    async with yard.site.control.transaction() as session:
        await set_password(session, yard.site.person.user_id, "points and switches")
    async with browser(yard, is_signed_in=False) as client:
        away = await client.get("/tasks/T-3?view=source")
        assert away.headers["location"] == "/sign-in?next=/tasks/T-3%3Fview%3Dsource"
        wrong = await client.post("/sign-in", data={"email": "maya@example.com", "password": "x"})
        assert wrong.status_code == 401
        form = {"email": "maya@example.com", "password": "points and switches", "next": "/tasks/T-3?view=source"}
        entered = await client.post("/sign-in", data=form)
        assert entered.headers["location"] == "/tasks/T-3?view=source"
        assert "HttpOnly" in entered.headers["set-cookie"]
        assert (await client.get("/")).status_code == 200
        await client.post("/sign-out")
        assert (await client.get("/")).status_code == 303


@pytest.mark.parametrize("goal", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"])
async def test_signing_in_never_leads_to_another_site(yard: Yard, goal: str) -> None:
    async with browser(yard) as client:
        assert (await client.get("/sign-in", params={"next": goal})).headers["location"] == "/"


async def test_a_sign_in_link_works_once(yard: Yard) -> None:
    async with yard.site.control.transaction() as session:
        token = await create_sign_in_link(session, yard.site.person.user_id, yard.site.clock.now_ms())
    async with browser(yard, is_signed_in=False) as client:
        assert (await client.get(f"/sign-in/{token}")).headers["location"] == "/"
    async with browser(yard, is_signed_in=False) as client:
        again = await client.get(f"/sign-in/{token}")
        assert again.status_code == 410
        assert "used already" in again.text


@pytest.mark.parametrize(
    "headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}]
)
async def test_a_form_sent_from_another_site_is_not_heard(yard: Yard, headers: dict[str, str]) -> None:
    async with browser(yard) as client:
        answer = await client.post("/tasks/T-3/cancel", headers=headers)
    assert answer.status_code == 403
    assert task(yard, 3).status is TaskStatus.IN_PROGRESS


async def test_every_page_forbids_inline_scripts_and_holds_none(yard: Yard) -> None:
    async with browser(yard) as client:
        for address in (
            "/",
            "/tasks/T-2",
            "/tasks/T-2?view=diff",
            "/tasks/new",
            "/inbox",
            "/tasks/T-2/actions",
            "/sign-in/x",
        ):
            answer = await client.get(address)
            policy = answer.headers["content-security-policy"]
            assert "script-src 'self'" in policy
            assert "unsafe" not in policy
            for node in read_html(answer.text).walk():
                assert node.tag != "style", address
                assert "style" not in node.attributes, address
                assert not any(name.startswith("on") for name in node.attributes), address
                assert node.tag != "script" or node.attributes["src"].startswith("/static/"), address


async def test_what_people_and_agents_wrote_is_escaped_on_every_page(yard: Yard) -> None:
    evil = "<script>alert(1)</script>"
    await yard.create(f"{evil} title", brief=evil, agent="publishing")
    claim = await yard.claim("publishing")
    await yard.comment(claim.state, f"{evil} @admin")
    await yard.call(claim, "gpt-5-mini", evil, 1_000_000)
    await yard.ask(claim, evil)
    async with browser(yard) as client:
        for address in ("/", "/tasks/T-10", "/inbox", "/tasks/T-10/actions", "/?q=%3Cscript%3Ealert(1)%3C/script%3E"):
            assert evil not in (await client.get(address)).text, address


@pytest.mark.parametrize("address", ["/tasks/T-99", "/calls/c_nothing", "/nowhere", "/tasks/T-2/v9"])
async def test_what_does_not_exist_is_a_page_that_says_so(yard: Yard, address: str) -> None:
    async with browser(yard) as client:
        answer = await client.get(address)
    assert answer.status_code == 404
    assert "Nothing is here" in answer.text


async def test_static_files_may_be_kept_for_ever_under_their_digest_only(yard: Yard) -> None:
    async with browser(yard) as client:
        kept = await client.get(yard.site.station.assets.url("pointsman.css"))
        older = await client.get("/static/000000000000/pointsman.css")
    assert kept.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert older.status_code == 200
    assert older.headers["cache-control"] == "no-cache"


async def test_a_deliverable_can_be_read_as_source_as_changes_and_downloaded(yard: Yard) -> None:
    async with browser(yard) as client:
        source = await client.get("/tasks/T-2?view=source")
        changes = await client.get("/tasks/T-2?view=diff")
        file = await client.get("/tasks/T-2/v2")
    assert "# Who buys and why" in source.text
    assert "<ins>" in changes.text
    assert file.text.startswith("# Who buys and why")
    assert file.headers["content-disposition"].startswith('attachment; filename="T-2-v2.md"')


async def test_a_site_whose_database_and_engine_answer_is_ready(yard: Yard) -> None:
    async with browser(yard, is_signed_in=False) as client:
        assert (await client.get("/healthz")).status_code == 200
        assert (await client.get("/readyz")).text == "ready\n"


async def test_a_call_shows_what_each_kind_of_token_cost(yard: Yard) -> None:
    await yard.create("Priced", agent="publishing")
    claim = await yard.claim("publishing")
    call_id = await yard.call(
        claim, "gpt-5-mini", "priced", 1_200_500, reasoning_tokens=90, audio_cache_read_tokens=0,
        cost_parts='{"input":310000,"output":890500,"reasoning":180000}',
    )  # fmt: skip
    async with browser(yard) as client:
        page = (await client.get(f"/calls/{call_id}")).text
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "Input 1,240 $0.00031 " in words
    assert "Output 410 $0.0008905 of it reasoning 90 $0.00018 " in words


async def test_a_call_shows_when_its_first_token_came(yard: Yard) -> None:
    await yard.create("Streamed", agent="publishing")
    claim = await yard.claim("publishing")
    call_id = await yard.call(claim, "gpt-5-mini", "streamed", 1_000, is_stream=True, first_token_us=650_000)
    async with browser(yard) as client:
        page = (await client.get(f"/calls/{call_id}")).text
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
    assert "First byte 420 ms First token 650 ms Until the last 1.1 s" in words
