"""What concerns everybody, as pages: freeze, inbox, fleet, what recurs, and what a card says of its state."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest

from controlplane.commands.reviews import ReviewWish
from controlplane.domain.commands import HoldTask, ReviewDeliverable
from controlplane.domain.state import Actor, ActorKind, HoldKind
from controlplane.queries.bell import bell_view, open_notices
from controlplane.queries.board import BoardFilter, BoardView, board_view
from controlplane.queries.fleet import fleet_view
from controlplane.queries.freezes import FREEZES
from controlplane.queries.rows import NOTICES
from controlplane.store.tables import Agent, Incident
from tests.fakes.document import Node, read_html
from tests.fakes.project import Yard
from tests.unit.web.test_board_queries import counted
from tests.unit.web.test_live_everybody import ask_for_approval, freeze, make, task

HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/agents"}
EVIL = "<script>alert(1)</script>"


@asynccontextmanager
async def browser(yard: Yard) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(yard.site.app, raise_app_exceptions=False)
    cookies = {"pointsman_session": yard.site.cookie}
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", cookies=cookies) as client:
        yield client


async def board(yard: Yard) -> BoardView:
    async with yard.site.control.reading() as session:
        return await board_view(session, yard.site.person.workspace_id, BoardFilter(), yard.site.clock.now_ms())


async def card(yard: Yard, number: int):
    return next(card for card in (await board(yard)).cards().values() if card.number == number)


async def freezes(yard: Yard) -> int:
    async with yard.site.control.reading() as session:
        return len((await session.execute(FREEZES.select())).all())


# --- freeze ---------------------------------------------------------------------------------------


async def test_nothing_is_frozen_without_a_reason(yard: Yard) -> None:
    async with browser(yard) as client:
        answer = await client.post("/freeze", data={"reason": "  "})
    assert answer.status_code == 400
    assert "Say why" in answer.text
    assert await freezes(yard) == 0


async def test_a_frozen_workspace_is_said_once_above_every_list_and_its_cards_say_frozen(yard: Yard) -> None:
    await freeze(yard)
    async with browser(yard) as client:
        for address in ("/", "/inbox", "/agents", "/agents/qa", "/recurring"):
            assert (await client.get(address)).text.count("Everything is frozen</b>") == 1, address
    frozen = await card(yard, 7)
    assert (frozen.signal, frozen.word, frozen.reason.text) == ("paused", "Frozen", "Admin: the bill")
    assert (await board(yard)).standstill is None, "the banner says it for all of them"


async def test_many_lost_agents_are_one_calm_banner(yard: Yard) -> None:
    async with yard.site.control.transaction() as session:
        session.add(
            Incident(
                incident_id="inc_1",
                workspace_id=yard.site.person.workspace_id,
                kind="agents_lost",
                text=EVIL,
                subject_ids=["r_1", "r_2", "r_3"],
                started_at_ms=yard.site.clock.now_ms(),
                updated_at_ms=yard.site.clock.now_ms(),
            )
        )
    async with browser(yard) as client:
        page = (await client.get("/")).text
    assert "3 runs are counted here and raise no alarm of their own" in page
    assert EVIL not in page


# --- cards ----------------------------------------------------------------------------------------


async def test_a_paused_card_says_who_paused_it_and_why(yard: Yard) -> None:
    await yard.do(yard.site.person.actor, task(yard, 7), HoldTask(HoldKind.OPERATOR, "Prices change on Monday"))
    shown = await card(yard, 7)
    assert (shown.word, shown.reason.text, shown.since_ms) == (
        "Paused",
        "Admin: Prices change on Monday",
        task(yard, 7).holds["operator"].at_ms,
    )


async def test_a_run_whose_calls_wait_at_the_gateway_says_so(yard: Yard) -> None:
    await yard.create("Lay out the PDF", agent="publishing")
    claim = await yard.claim("publishing")
    await yard.spend(claim, 1_000_000, "held")
    assert (await card(yard, claim.state.number)).substate == "calls held at the gateway"


async def test_a_review_by_several_says_how_many_have_approved(yard: Yard) -> None:
    wish = ReviewWish(("@admin", "qa"), "all", None)
    await yard.create("Summary", agent="publishing", review=wish)
    claim = await yard.claim("publishing")
    await yard.submit(claim)
    assert (await card(yard, claim.state.number)).reason.text == "v1: 0 of 2 approved."
    reviewer = Actor(ActorKind.AGENT, yard.agent_ids["qa"], "qa")
    await yard.do(reviewer, claim.state, ReviewDeliverable(1, "approve", ""))
    shown = await card(yard, claim.state.number)
    assert (shown.word, shown.reason.text) == ("Review", "v1: 1 of 2 approved.")


async def test_a_first_pass_by_an_agent_calls_no_person_yet(yard: Yard) -> None:
    await yard.create("Summary", agent="publishing", review=ReviewWish(("@admin",), "any", "qa"))
    claim = await yard.claim("publishing")
    await yard.submit(claim)
    shown = await card(yard, claim.state.number)
    assert (shown.signal, shown.word, shown.reason.text) == ("queued", "AI review", "v1: QA looks at it first.")


async def test_a_task_with_parts_says_how_many_are_done(yard: Yard) -> None:
    for title in ("One part", "Another part"):
        await yard.create(title, parent="T-7", agent="publishing")
    claim = await yard.claim("publishing")
    await yard.submit(claim)
    await yard.review(claim.state, 1)
    parts = (await card(yard, 7)).parts
    assert parts is not None
    assert (parts.done, parts.all) == (1, 2)


async def test_the_strip_counts_what_stands_behind_the_task_that_holds_up_most(yard: Yard) -> None:
    await yard.create("Only a draft", to_backlog=True)
    await yard.create("Waits for the draft", blockers=("T-10",))
    found = (await board(yard)).standstill
    assert found is not None
    assert (found.card.ref, found.tasks, found.agents, found.more) == ("T-3", 2, 1, 1)


async def test_a_task_that_is_free_to_be_taken_does_not_stand_still(yard: Yard) -> None:
    await yard.do(yard.site.person.actor, task(yard, 3), HoldTask(HoldKind.FREEZE, "look"))
    await yard.create("Begins at once")
    await yard.create("Then this", blockers=("T-10",))
    assert (await board(yard)).standstill is None


# --- inbox ----------------------------------------------------------------------------------------


async def test_what_one_task_asks_is_one_line_of_the_inbox_and_one_on_the_bell(yard: Yard) -> None:
    async with yard.site.control.reading() as session:
        bell = await bell_view(session, yard.site.person.user_id)
        counted_on_the_bell = await open_notices(session, yard.site.person.user_id)
    assert [sorted(group.kinds) for group in bell.groups] == [["question"], ["mention", "review"]]
    assert counted_on_the_bell == 2


async def test_a_settled_item_says_who_settled_it_and_how(yard: Yard) -> None:
    await yard.review(task(yard, 2), 2)
    async with yard.site.control.reading() as session:
        bell = await bell_view(session, yard.site.person.user_id)
    assert bell.resolved[0].resolved_by == "Admin approved it"


async def test_an_approval_can_be_denied_where_it_is_shown(yard: Yard) -> None:
    await ask_for_approval(yard)
    asked = task(yard, 10)
    assert asked.question is not None
    async with browser(yard) as client:
        page = read_html((await client.get("/inbox?kind=approval")).text)
        assert [node.attributes.get("value") for node in buttons(page)] == ["approve", "deny"]
        form = {"question_id": asked.question.question_id, "value": "deny"}
        await client.post("/tasks/T-10/answer", data=form)
    answered = task(yard, 10).question
    assert answered is not None
    assert answered.answer is False


def buttons(page: Node) -> list[Node]:
    item = page.find("question")
    assert item is not None
    return [node for node in item.walk() if node.tag == "button"]


async def test_an_empty_inbox_says_what_will_arrive(yard: Yard) -> None:
    async with yard.site.control.transaction() as session:
        await session.execute(NOTICES.delete())
    async with browser(yard) as client:
        page = (await client.get("/inbox")).text
    assert "Nothing needs you." in page
    assert "an agent asks in the middle of its work" in page


# --- fleet ----------------------------------------------------------------------------------------


async def test_more_agents_take_no_more_statements(yard: Yard) -> None:
    async def read() -> None:
        async with yard.site.control.reading() as session:
            await fleet_view(session, yard.site.person.workspace_id, yard.site.clock.now_ms(), 0)

    with counted(yard) as few:
        await read()
    await yard.register(*(f"agent {number}" for number in range(12)))
    with counted(yard) as many:
        await read()
    assert len(few) == len(many) <= 8


async def test_the_fleet_puts_first_who_needs_a_person_and_says_why(yard: Yard) -> None:
    async with yard.site.control.transaction() as session:
        for agent_id in yard.agent_ids.values():
            agent = await session.get(Agent, agent_id)
            assert agent is not None
            agent.seen_at_ms = yard.site.clock.now_ms()
    async with yard.site.control.reading() as session:
        fleet = await fleet_view(session, yard.site.person.workspace_id, yard.site.clock.now_ms(), 0)
    assert [(one.plate.name, one.word) for one in fleet.agents] == [
        ("drafting", "Stuck"),
        ("illustration", "Needs you"),
        ("qa", "Blocked"),
        ("research", "Working"),
        ("publishing", "Idle"),
    ]
    assert fleet.agents[1].status.sentence == "T-6 waits for an answer."


async def test_a_form_that_is_refused_says_so_in_its_dialog(yard: Yard) -> None:
    form = {"answer_in": "dialog", "max_concurrency": "5000"}
    async with browser(yard) as client:
        answer = await client.post("/agents/qa/edit", data=form, headers=HTMX)
    (said,) = read_html(answer.text).elements()
    assert said.attributes["hx-target"] == "#verb-error"
    assert "Between 0 and 1000 at once" in answer.text


async def test_a_key_is_shown_once_and_the_same_click_makes_no_second_one(yard: Yard) -> None:
    form = {"command_id": "cmd_0123456789abcdef"}
    async with browser(yard) as client:
        first, again = [await client.post("/agents/qa/keys", data=form, headers=HTMX) for _ in range(2)]
        page = (await client.get("/agents/qa")).text
    plain = first.text.split("POINTSMAN_KEY=")[1].split("<")[0].strip()
    assert plain.startswith("pm_agent_")
    assert plain in again.text
    assert plain not in page
    assert page.count(f"…{plain[-4:]}</span>") == 1


async def test_an_agent_of_that_name_is_not_made_twice(yard: Yard) -> None:
    async with browser(yard) as client:
        answer = await client.post("/agents", data={"name": "QA", "capabilities": "everything"})
    assert answer.status_code == 409
    assert "already" in answer.text


@pytest.mark.parametrize("address", ["/agents/nobody", "/agents/nobody/operate/pause", "/recurring/rec_none"])
async def test_whoever_is_not_here_has_a_page_that_says_so(yard: Yard, address: str) -> None:
    async with browser(yard) as client:
        answer = await client.get(address)
    assert answer.status_code == 404
    assert "Nothing is here" in answer.text


# --- what people and agents wrote ---------------------------------------------------------------------


async def test_no_page_holds_inline_script_or_style_nor_what_somebody_wrote_unescaped(yard: Yard) -> None:
    person = yard.site.person
    await yard.comment(task(yard, 7), f"{EVIL} @research")
    await yard.site.commands.pause_agent(person.actor, "research", EVIL, person.workspace_id)
    await yard.site.commands.freeze(person.actor, "cmd_freeze_9", "workspace", "", EVIL, person.workspace_id)
    made = await yard.site.commands.make_recurring(
        person.actor, "cmd_evil_12345", person.workspace_id, EVIL, "0 9 * * 1", template={"brief": EVIL}
    )
    await make(yard)
    addresses = (
        *("/", "/agents", "/agents/research", "/agents/research/actions", "/agents/qa/operate/pause", "/new-agent"),
        *("/recurring", f"/recurring/{made.recurring_id}", "/recurring/new?cron=%3Cscript%3E&title=%3Cscript%3E"),
    )
    async with browser(yard) as client:
        for address in addresses:
            answer = await client.get(address)
            assert answer.status_code == 200, address
            assert EVIL not in answer.text, address
            for node in read_html(answer.text).walk():
                assert node.tag != "style", address
                assert "style" not in node.attributes, address
                assert node.tag != "script" or node.attributes["src"].startswith("/static/"), address


async def test_a_refused_drop_says_the_rule_and_leads_to_its_task(yard: Yard) -> None:
    async with browser(yard) as client:
        answer = await client.post("/tasks/T-1/move", data={"to": "ready"}, headers=HTMX)
    assert answer.status_code == 409
    assert "T-1 is done" in answer.text
    assert 'href="/tasks/T-1">Open T-1</a>' in answer.text
