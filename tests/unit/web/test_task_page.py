"""What a person sees on a task's page, and what each form there does."""

import pytest

from controlplane.domain.state import HoldKind, RunState, TaskStatus
from tests.fakes import situations
from tests.fakes.document import Node, read_html
from tests.fakes.project import Yard
from tests.fakes.situations import task
from tests.unit.web.test_pages import HTMX, browser


async def page_of(yard: Yard, address: str) -> Node:
    async with browser(yard) as client:
        answer = await client.get(address)
    assert answer.status_code == 200, answer.text
    return read_html(answer.text)


def text_of(page: Node, element_id: str = "main") -> str:
    found = page.find(element_id)
    assert found is not None, element_id
    return found.text()


async def post(yard: Yard, address: str, **fields: str) -> str:
    async with browser(yard) as client:
        answer = await client.post(address, data=fields, headers=HTMX)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_the_review_says_who_may_approve_and_who_has(yard: Yard) -> None:
    await situations.review_by_several(yard)
    page = await page_of(yard, "/tasks/T-2")
    assert "1 of 2" in text_of(page, "review")
    assert "2 of 3 approve" in text_of(page, "reviewers")
    assert "needs a yes of Ben Okoro or Admin" in text_of(page, "task-head")
    thread = text_of(page, "thread")
    assert thread.index("Where is the Finnish figure from?") < thread.index("From the ministry's table")


async def test_whoever_may_not_approve_is_told_who_may_instead_of_being_refused_later(yard: Yard) -> None:
    await situations.join(yard)
    await post(yard, "/tasks/T-2/reviewers", reviewers="@anna, @ben", needed="all")
    review = text_of(await page_of(yard, "/tasks/T-2"), "review")
    assert "Anna Berg or Ben Okoro may approve v2" in review
    assert "Approve v2" not in review


async def test_a_review_that_nobody_can_finish_says_so_in_red_with_what_to_do(yard: Yard) -> None:
    await post(yard, "/tasks/T-2/reviewers", reviewers="drafting", needed="all")
    page = await page_of(yard, "/tasks/T-2")
    gate = text_of(page, "gate")
    assert "made it" in gate
    assert "Change its reviewers" in gate


@pytest.mark.parametrize(("needed", "expected"), [("any", 1), ("all", 3), ("some", 2)])
async def test_a_team_is_named_among_the_reviewers_and_the_rule_is_kept(yard: Yard, needed: str, expected: int) -> None:
    await situations.join(yard)
    await post(yard, "/tasks/T-2/reviewers", reviewers="@editors, qa", needed=needed, count="2", first_pass="@research")
    rule = task(yard, 2).review
    assert {one.name for one in rule.reviewers} == {"Anna Berg", "Ben Okoro", "qa"}
    assert (rule.needed, rule.first_pass.name if rule.first_pass else "") == (expected, "research")


async def test_a_question_before_the_verdict_keeps_the_task_in_review(yard: Yard) -> None:
    await post(yard, "/tasks/T-2/review", verdict="ask", note="Which year?", version="2")
    state = task(yard, 2)
    assert state.status is TaskStatus.IN_REVIEW
    assert state.clarification is not None
    assert state.clarification.text == "Which year?"


async def test_any_two_versions_are_compared_inline_and_side_by_side_with_what_the_change_cost(yard: Yard) -> None:
    inline = await page_of(yard, "/tasks/T-2?version=2&view=diff&against=1")
    assert "v1" in text_of(inline, "deliverable")
    tables = [node for node in inline.walk() if node.attributes.get("class") == "diff"]
    assert [row.attributes.get("class") for row in tables[0].walk() if row.tag == "tr"].count("add") == 2
    side = await page_of(yard, "/tasks/T-2?version=2&view=diff&against=1&layout=side")
    (table,) = [node for node in side.walk() if node.attributes.get("class") == "diff side"]
    kinds = [row.attributes.get("class") for row in table.walk() if row.tag == "tr"]
    assert {"replace", "insert", "gap"} <= set(kinds)
    whole = await page_of(yard, "/tasks/T-2?version=2&view=diff&layout=side&whole=1")
    assert not [node for node in whole.walk() if node.attributes.get("class") == "gap"]
    back = await page_of(yard, "/tasks/T-2?version=1&view=diff&against=2")
    assert "1 line came" in text_of(back, "deliverable")


@pytest.mark.parametrize(
    ("kind", "shown"),
    [
        ("code", "def prices(path):"),
        ("link", "https://docs.example/report?section=3"),
        ("file", "report.pdf"),
        ("image", "map.png"),
        ("text", "Indented."),
    ],
)
async def test_each_kind_of_work_is_shown_by_what_it_is(yard: Yard, kind: str, shown: str) -> None:
    state = await situations.handed_in(yard, kind)
    page = await page_of(yard, f"/tasks/T-{state.number}")
    assert shown in text_of(page, "deliverable")
    images = [node.attributes["src"] for node in page.walk() if node.tag == "img"]
    assert images == ([f"/tasks/T-{state.number}/v1?inline=1"] if kind == "image" else [])


async def test_a_link_opens_outside_without_a_way_back_and_code_is_numbered_and_escaped(yard: Yard) -> None:
    link = await situations.handed_in(yard, "link")
    page = await page_of(yard, f"/tasks/T-{link.number}")
    (anchor,) = [node for node in page.walk() if node.attributes.get("href", "").startswith("https://docs.example")]
    assert anchor.attributes["rel"] == "noopener noreferrer nofollow"
    code = await situations.handed_in(yard, "code")
    listing = await page_of(yard, f"/tasks/T-{code.number}")
    lines = [node for node in listing.walk() if node.tag == "li" and node.parent and node.parent.tag == "ol"]
    assert not [node for node in listing.walk() if node.tag == "b" and node.children == ["0"]]
    assert len([line for line in lines if line.elements() and line.elements()[0].tag == "code"]) == 6


async def test_a_file_is_downloaded_by_its_name_and_never_run_in_the_page(yard: Yard) -> None:
    state = await situations.handed_in(yard, "file")
    async with browser(yard) as client:
        answer = await client.get(f"/tasks/T-{state.number}/v1?inline=1")
    assert 'attachment; filename="report.pdf"' in answer.headers["content-disposition"]
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_late_work_is_compared_adopted_or_discarded(yard: Yard) -> None:
    await situations.late_work(yard)
    page = await page_of(yard, "/tasks/T-3")
    assert "handed in" in text_of(page, "late")
    fields = {
        node.attributes["name"]: node.attributes["value"]
        for node in (page.find("late") or page).walk()
        if node.attributes.get("type") == "hidden"
    }
    await post(yard, "/tasks/T-3/late/adopt", **fields)
    assert task(yard, 3).status is TaskStatus.IN_REVIEW
    after = await page_of(yard, "/tasks/T-3")
    assert text_of(after, "late").strip() == ""
    assert "too late" in text_of(after, "activity")


async def test_late_work_can_be_read_against_the_latest_version(yard: Yard) -> None:
    state = task(yard, 2)
    sha256 = await yard.site.station.blobs.put(b"# Who buys and why\n\nNobody.\n")
    async with yard.site.control.transaction() as session:
        session.add(situations.late_row(state, sha256, 27))
    page = await page_of(yard, f"/tasks/T-2?view=diff&late={sha256}")
    assert "late work" in text_of(page, "deliverable")
    assert "Nobody." in text_of(page, "deliverable")
    await post(yard, "/tasks/T-2/late/discard", run_id=state.runs[0].run_id, sha256=sha256)
    assert text_of(await page_of(yard, "/tasks/T-2"), "late").strip() == ""


async def test_holds_stand_side_by_side_and_each_is_lifted_alone(yard: Yard) -> None:
    await situations.held(yard)
    page = await page_of(yard, "/tasks/T-7")
    banners = text_of(page, "banners")
    assert "Wait for the lawyers' opinion." in banners
    assert "The portal is down until noon." in banners
    await post(yard, "/tasks/T-7/resume", kind="operator")
    assert list(task(yard, 7).holds) == [HoldKind.EXTERNAL]


async def test_a_frozen_task_says_who_froze_it_and_is_thawed_by_one_button(yard: Yard) -> None:
    await post(yard, "/tasks/T-7/freeze", reason="It mails customers.")
    assert HoldKind.FREEZE in task(yard, 7).holds
    page = await page_of(yard, "/tasks/T-7")
    assert "It mails customers." in text_of(page, "banners")
    await post(yard, "/tasks/T-7/thaw", scope="task", root="T-7")
    assert not task(yard, 7).holds


async def test_what_was_frozen_with_its_agent_names_the_agent_and_thaws_it(yard: Yard) -> None:
    site = yard.site
    await site.commands.freeze(
        site.person.actor, "cmd_freeze_agent", "agent", "research", "It runs away.", site.person.workspace_id
    )
    banners = text_of(await page_of(yard, "/tasks/T-7"), "banners")
    assert "Thaw Research" in banners
    await post(yard, "/tasks/T-7/thaw", scope="agent", root="research")
    assert not task(yard, 7).holds


async def test_a_waiting_task_says_why_and_which_agents_could_take_it(yard: Yard) -> None:
    why = text_of(await page_of(yard, "/tasks/T-8"), "why")
    assert "number 1" in why or "first in the queue" in why
    assert "lacks draft and terms" in why
    blocked = text_of(await page_of(yard, "/tasks/T-5"), "why")
    assert "held up by" in blocked


async def test_a_task_that_needs_a_person_offers_the_choices_of_its_cause(yard: Yard) -> None:
    state = await situations.failed_thrice(yard)
    decide = text_of(await page_of(yard, f"/tasks/T-{state.number}"), "decide")
    for choice in ("Try again", "Give it to another agent", "Clarify the brief", "Give up"):
        assert choice in decide
    await post(yard, f"/tasks/T-{state.number}/help", note="The column is called Preis.")
    assert not task(yard, state.number).needs_human


async def test_what_it_builds_on_and_was_reopened_is_said_in_a_banner(yard: Yard) -> None:
    await situations.upstream_reopened(yard)
    assert "T-1 was reopened" in text_of(await page_of(yard, "/tasks/T-10"), "banners")


async def test_sub_tasks_stand_on_their_parent_s_page_and_lead_back_to_it(yard: Yard) -> None:
    whole = await situations.in_parts(yard)
    page = await page_of(yard, f"/tasks/T-{whole.number}")
    assert "1 of 4 done" in text_of(page, "parts")
    child = await page_of(yard, f"/tasks/T-{whole.number + 1}")
    crumbs = [node.attributes.get("href") for node in (child.find("task-head") or child).walk() if node.tag == "a"]
    assert f"/tasks/T-{whole.number}" in crumbs


async def test_after_a_reassignment_the_page_shows_what_the_next_agent_gets(yard: Yard) -> None:
    await post(yard, "/tasks/T-3/assign", agent="qa", reason="Leave Finland open.")
    state = task(yard, 3)
    assert state.agent_id == yard.agent_ids["qa"]
    assert state.runs[-1].state is RunState.SUPERSEDED
    page = await page_of(yard, "/tasks/T-3")
    handoff = text_of(page, "handoff")
    assert "Drafting" in handoff
    assert "Finland heat pump subsidy 2026" in handoff
    assert "Leave Finland open." in text_of(page, "activity")


async def test_a_call_of_the_old_run_that_still_flies_is_said_to_be_stopping(yard: Yard) -> None:
    claim = situations.live_claim(yard, 3)
    await yard.call(claim, "gpt-5-mini", "Still at it", 0, outcome="", status=0, ended_at_ns=None)
    await post(yard, "/tasks/T-3/assign", agent="qa")
    assert "Stopping run 1" in text_of(await page_of(yard, "/tasks/T-3"), "banners")


@pytest.mark.parametrize(
    ("verb", "fields", "status"),
    [
        ("hold", {"reason": "lunch"}, TaskStatus.IN_PROGRESS),
        ("nudge", {"note": "Hurry."}, TaskStatus.IN_PROGRESS),
        ("restart", {"from": "nothing", "reason": "afresh"}, TaskStatus.READY),
        ("priority", {"priority": "1"}, TaskStatus.IN_PROGRESS),
        ("complete", {"reason": "Good enough."}, TaskStatus.DONE),
        ("fail", {"reason": "Impossible."}, TaskStatus.FAILED),
        ("cancel", {"reason": "Not needed."}, TaskStatus.CANCELLED),
    ],
)
async def test_each_verb_has_a_form_of_its_own_and_does_what_it_says(
    yard: Yard, verb: str, fields: dict[str, str], status: TaskStatus
) -> None:
    async with browser(yard) as client:
        shown = await client.get(f"/tasks/T-7/operate/{verb}")
        assert shown.status_code == 200
        form = read_html(shown.text).find("verb")
        assert form is not None
        assert form.attributes["action"] == f"/tasks/T-7/{verb}"
        sent = await client.post(
            f"/tasks/T-7/{verb}", data=fields, headers={"Referer": "http://testserver/tasks/T-7/operate/x"}
        )
        assert (sent.status_code, sent.headers["location"]) == (303, "/tasks/T-7")
    state = task(yard, 7)
    assert state.status is status
    reason = fields.get("reason") or fields.get("note") or ""
    assert reason in text_of(await page_of(yard, "/tasks/T-7"), "activity")


async def test_a_closed_task_is_reopened_and_a_verb_that_is_not_possible_is_not_offered(yard: Yard) -> None:
    page = await page_of(yard, "/tasks/T-1")
    verbs = [node.attributes["href"] for node in (page.find("operate") or page).walk() if node.tag == "a"]
    assert verbs == ["/tasks/T-1/operate/reopen"]
    async with browser(yard) as client:
        assert (await client.get("/tasks/T-1/operate/nudge")).status_code == 409
        assert (await client.get("/tasks/T-1/operate/dance")).status_code == 404
    await post(yard, "/tasks/T-1/reopen", reason="A seventh question.")
    assert task(yard, 1).status is TaskStatus.READY


async def test_a_refused_form_in_a_dialog_says_there_why(yard: Yard) -> None:
    async with browser(yard) as client:
        answer = await client.post("/tasks/T-3/blockers", data={"blockers": "T-5", "answer_in": "dialog"}, headers=HTMX)
    assert answer.status_code == 409
    (instruction,) = read_html(answer.text).elements()
    assert instruction.attributes["hx-target"] == "#verb-error"
    assert "T-5 waits for T-4" in answer.text


@pytest.mark.parametrize(
    ("kind", "fields", "answer"),
    [
        ("text", {"text": "Anna does."}, "Anna does."),
        ("choice", {"value": "Both"}, "Both"),
        ("approval", {"value": "deny", "text": "Not yet."}, False),
        ("form", {"field.region": "DACH", "field.year": "2026"}, {"region": "DACH", "year": 2026, "with_vat": False}),
    ],
)
async def test_a_question_is_answered_in_the_form_it_was_asked_in(
    yard: Yard, kind: str, fields: dict[str, str], answer: object
) -> None:
    state = await situations.asked(yard, kind)
    page = await page_of(yard, f"/tasks/T-{state.number}")
    assert "means no in" in text_of(page, "question")
    question = state.question
    assert question is not None
    await post(yard, f"/tasks/T-{state.number}/answer", question_id=question.question_id, **fields)
    answered = task(yard, state.number).question
    assert answered is not None
    assert (answered.outcome, answered.answer) == ("answered", answer)


async def test_a_form_that_does_not_fit_its_schema_is_refused_with_the_field(yard: Yard) -> None:
    state = await situations.asked(yard, "form")
    question = state.question
    assert question is not None
    async with browser(yard) as client:
        form = {"question_id": question.question_id, "field.region": "DACH", "field.year": "1990"}
        answer = await client.post(f"/tasks/T-{state.number}/answer", data=form, headers=HTMX)
    assert answer.status_code == 400
    assert "year" in answer.text


async def test_names_complete_themselves_and_the_preview_says_who_will_hear(yard: Yard) -> None:
    await situations.join(yard)
    async with browser(yard) as client:
        people = await client.get("/naming/people?q=ed")
        tasks = await client.get("/naming/tasks?q=gloss")
        preview = await client.post("/naming/preview", data={"text": "See @editors, @qa and @nobody"})
    assert 'data-value="@editors"' in people.text
    assert 'data-value="T-8"' in tasks.text
    said = " ".join(preview.text.split())
    assert "Will notify Anna Berg, Ben Okoro, QA (team Editors)." in said
    assert "@nobody" in said


async def test_costs_say_what_came_to_nothing(yard: Yard) -> None:
    state = await situations.failed_thrice(yard)
    cost = text_of(await page_of(yard, f"/tasks/T-{state.number}"), "cost")
    assert "Came to nothing" in cost
    assert "$0.033" in cost


async def test_calls_of_an_agents_helper_stand_apart_with_its_name(yard: Yard) -> None:
    claim = situations.live_claim(yard, 3)
    call_id = await yard.call(claim, "gpt-5-mini", "Look it up", 1_000_000, subagent="reader")
    rows = text_of(await page_of(yard, "/tasks/T-3"), "calls")
    assert "reader · Look it up" in " ".join(rows.split())
    assert "reader" in text_of(await page_of(yard, f"/calls/{call_id}"))


async def test_the_calls_of_one_run_are_listed_alone(yard: Yard) -> None:
    calls = text_of(await page_of(yard, "/tasks/T-2?calls=1"), "calls")
    assert "Calls of run 1" in calls
    assert "Draft section 2" in calls
